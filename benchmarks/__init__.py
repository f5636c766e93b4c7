"""Measurements: what FiberLB costs, beside other proxies, in the same minutes on the same cores."""
