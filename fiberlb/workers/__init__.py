"""Many processes: one for changes, one for each core of traffic, and what they tell each other."""
