"""Tests of C{fiberlb.health}."""
