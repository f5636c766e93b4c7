"""What guards need of the world: threads for passwords, and other servers' words."""
