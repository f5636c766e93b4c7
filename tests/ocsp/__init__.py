"""Tests of fiberlb.ocsp."""
