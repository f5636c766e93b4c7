"""
Tells C{twistd} of the C{fiberlb} command and of C{--reactor=fiberlb}.

Every C{twistd} command on the machine imports this file, so it imports
nothing of FiberLB: both objects name modules that are imported when used.
"""

from twisted.application.reactors import Reactor
from twisted.application.service import ServiceMaker

FiberLB = ServiceMaker("FiberLB", "fiberlb.tap", "An L4/L7 load balancer.", "fiberlb")

LeanReactor = Reactor(
    "fiberlb", "fiberlb.relay.reactor", "epoll(7) with a straight path for FiberLB's connections."
)
