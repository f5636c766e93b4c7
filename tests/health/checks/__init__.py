"""Tests of C{fiberlb.health.checks}."""
