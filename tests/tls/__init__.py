"""Tests of fiberlb.tls."""
