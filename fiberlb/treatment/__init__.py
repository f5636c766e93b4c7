"""What is done to requests and answers on their way: gates, edits and filters."""
