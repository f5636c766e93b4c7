"""
Who asks, for which project.

Without authentication everybody sees everything, and what is made belongs to the project that the
body names, or to the configured one. From addresses in C{octavia.trusted} the fields that
keystonemiddleware sets are believed: then lists are those of the project.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

import attrs
from twisted.web.iweb import IRequest

from fiberlb.api.octavia.faults import Fault
from fiberlb.model.octavia import OctaviaSettings

#: Roles that see the objects of every project.
_EVERYWHERE = frozenset({"admin", "load-balancer_admin", "load-balancer_global_observer"})


@attrs.frozen
class Identity:
    """
    One client.

    @ivar project: whose objects it sees; empty: all.
    @ivar own: of what it makes, where it says nothing.
    """

    project: str
    own: str

    def making(self, given: Mapping[str, Any]) -> str:
        """
        The project of what is made.

        @raise Fault: 403, it is another one's.
        """
        asked = given.get("project_id") or given.get("tenant_id")
        if asked and self.project and asked != self.project:
            raise Fault(403, "Policy does not allow this request to be performed.")
        return str(asked or self.own)

    def sees(self, project: str) -> bool:
        """Whether objects of a project are there for it."""
        return not self.project or project == self.project


def of_request(request: IRequest, settings: OctaviaSettings) -> Identity:
    """The client of a request."""
    project = request.getHeader("x-project-id") or request.getHeader("x-tenant-id")
    if not project or not _trusted(request, settings):
        return Identity("", settings.project)
    roles = {role.strip() for role in (request.getHeader("x-roles") or "").split(",")}
    return Identity("" if roles & _EVERYWHERE else project, project)


def _trusted(request: IRequest, settings: OctaviaSettings) -> bool:
    host = getattr(request.getClientAddress(), "host", None)
    if not isinstance(host, str):
        return False
    address = ipaddress.ip_address(host)
    return any(address in ipaddress.ip_network(each) for each in settings.trusted)
