"""
Who asks, for which project.

Without authentication everybody sees everything, and what is made belongs to the project that the
body names, or to the configured one. With C{octavia.keystone} every request needs a token that is
valid there; from addresses in C{octavia.trusted} the fields that keystonemiddleware sets are
believed. Either way lists are those of the project then.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from typing import Any

import attrs
from twisted.web.iweb import IRequest

from fiberlb.api.octavia.faults import Fault
from fiberlb.api.octavia.keystone import Keystone
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


async def of_request(request: IRequest, settings: OctaviaSettings, keystone: Keystone) -> Identity:
    """
    The client of a request.

    @raise Fault: 401, it has no token that Keystone knows, where one is needed; 503.
    """
    if settings.keystone is not None:
        token = request.getHeader("x-auth-token")
        if not token:
            raise Fault(401, "The request you have made requires authentication.")
        subject = await keystone.subject(settings.keystone, token)
        return _scoped(subject.project, subject.roles)
    project = request.getHeader("x-project-id") or request.getHeader("x-tenant-id")
    if not project or not _trusted(request, settings):
        return Identity("", settings.project)
    return _scoped(
        project, {role.strip() for role in (request.getHeader("x-roles") or "").split(",")}
    )


def _scoped(project: str, roles: Collection[str]) -> Identity:
    everywhere = not _EVERYWHERE.isdisjoint(roles)
    return Identity("" if everywhere else project, project)


def _trusted(request: IRequest, settings: OctaviaSettings) -> bool:
    host = getattr(request.getClientAddress(), "host", None)
    if not isinstance(host, str):
        return False
    address = ipaddress.ip_address(host)
    return any(address in ipaddress.ip_network(each) for each in settings.trusted)
