"""Tests of C{fiberlb.balancing}."""
