"""Tests of the surfaces for people and programs."""
