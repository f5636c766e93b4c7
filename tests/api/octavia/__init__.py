"""Tests of the Octavia face."""
