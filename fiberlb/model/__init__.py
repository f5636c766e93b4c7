"""What a load balancer is configured with: frozen values, no I/O, no clock, no logging."""
