"""Where the configuration outlives the process: the store, its keys and its lock."""
