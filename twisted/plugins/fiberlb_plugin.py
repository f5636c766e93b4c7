"""Tells C{twistd} of the C{fiberlb} command; imports nothing of FiberLB itself."""

from twisted.application.service import ServiceMaker

FiberLB = ServiceMaker("FiberLB", "fiberlb.tap", "An L4/L7 load balancer.", "fiberlb")
