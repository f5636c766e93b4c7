"""Which member serves next: one file an algorithm, no I/O, no clock, no randomness of its own."""
