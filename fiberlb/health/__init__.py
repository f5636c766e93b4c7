"""Health checks: who is asked, how, and what follows from the answers."""
