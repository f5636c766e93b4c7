"""TLS towards clients: reading certificates, choosing one by server name, contexts."""
