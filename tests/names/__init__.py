"""Tests of names and their addresses."""
