"""Tests with real sockets and real programs; skipped, with the reason, where one is missing."""
