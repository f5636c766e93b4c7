"""The data plane: connections, exchanges, tunnels and what they remember."""
