"""FiberLB: an event-driven L4/L7 load balancer on Twisted."""

__version__ = "0.1.0"
