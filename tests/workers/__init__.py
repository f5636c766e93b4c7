"""Tests of L{fiberlb.workers}."""
