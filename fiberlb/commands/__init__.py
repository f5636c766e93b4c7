"""Commands about what a FiberLB that runs holds."""
