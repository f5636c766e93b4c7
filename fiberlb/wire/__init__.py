"""Bytes to messages and back: pure, incremental, without I/O."""
