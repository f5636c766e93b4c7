"""Tests of L{fiberlb.guards}."""
