"""Tests of the configuration files that come with FiberLB."""
