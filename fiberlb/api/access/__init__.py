"""Who asks: the same for every face of the admin API."""
