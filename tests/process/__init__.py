"""Tests of fiberlb.process."""
