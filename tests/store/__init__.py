"""Tests of L{fiberlb.store}."""
