"""Tests of C{fiberlb.observe}."""
