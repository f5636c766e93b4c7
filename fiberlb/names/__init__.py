"""Members by name: who is asked, and what is known of each name."""
