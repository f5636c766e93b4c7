"""Tests of fiberlb.relay."""
