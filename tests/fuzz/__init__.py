"""Fuzzing: what must hold for any bytes, searched for counter-examples by libFuzzer."""
