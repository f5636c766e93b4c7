"""Tests of the native REST API."""
