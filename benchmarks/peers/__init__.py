"""The proxies that are compared, one file for each: how it is configured and started."""
