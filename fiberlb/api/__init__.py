"""The surfaces through which people and programs change the configuration."""
