"""Tests of L{fiberlb.acme}."""
