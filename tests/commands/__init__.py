"""Tests of fiberlb.commands."""
