"""Tests of the measurements: what is computed from samples, and what is written down."""
