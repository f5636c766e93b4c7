"""Tests of L{fiberlb.api.metrics}."""
