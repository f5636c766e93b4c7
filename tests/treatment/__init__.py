"""Tests of L{fiberlb.treatment}."""
