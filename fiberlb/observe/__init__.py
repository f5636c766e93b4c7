"""What is written down about the traffic."""
