"""This process among others: who started it, and who falls to it."""
