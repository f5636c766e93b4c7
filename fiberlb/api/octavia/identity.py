"""
Who asks, for which project.

Who comes in by a token of the admin API's sees the project that it is bound to, any other one
everything, and what is made belongs to the project that the
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

from fiberlb.api.access.identity import identity_of
from fiberlb.api.octavia.faults import Fault
from fiberlb.api.octavia.keystone import Keystone
from fiberlb.model.access import Role
from fiberlb.model.octavia import OctaviaSettings

#: Roles that see the objects of every project.
_EVERYWHERE = frozenset({"admin", "load-balancer_admin", "load-balancer_global_observer"})


#: Roles that may change what a project has, and those that may change what all share.
_WRITE = frozenset({"member", "load-balancer_member"})
_ADMIN = frozenset({"admin", "load-balancer_admin"})
_QUOTAS = frozenset({"load-balancer_quota_admin"})
#: Collections that belong to no project.
_SHARED = ("flavors", "flavorprofiles", "availabilityzones", "availabilityzoneprofiles", "quotas")


@attrs.frozen
class Identity:
    """
    One client.

    @ivar project: whose objects it sees; empty: all.
    @ivar own: of what it makes, where it says nothing.
    @ivar name: for the history.
    @ivar may: what it may do.
    """

    project: str
    own: str
    name: str
    may: Role | None

    def making(self, given: Mapping[str, Any]) -> str:
        """
        The project of what is made.

        @raise Fault: 403, it is another one's.
        """
        asked = given.get("project_id") or given.get("tenant_id")
        if asked and self.project and asked != self.project:
            raise forbidden()
        return str(asked or self.own)

    def sees(self, project: str) -> bool:
        """Whether objects of a project are there for it."""
        return not self.project or project == self.project


def forbidden() -> Fault:
    """It may not do this."""
    return Fault(403, "Policy does not allow this request to be performed.")


def permit(identity: Identity, method: str, collection: str) -> None:
    """
    Make sure that a client may do what it asks for.

    @raise Fault: 403.
    """
    needed = Role.READ
    if method != "GET":
        needed = Role.ADMIN if collection in _SHARED else Role.WRITE
    if identity.may is None or not identity.may.allows(needed):
        raise forbidden()


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
        return _scoped(subject.project, subject.roles, subject.user)
    known = identity_of(request)
    project = request.getHeader("x-project-id") or request.getHeader("x-tenant-id")
    if project and _trusted(request, settings):
        roles = {role.strip() for role in (request.getHeader("x-roles") or "").split(",")}
        return _scoped(project, roles, request.getHeader("x-user-id") or known.name)
    own = known.project or settings.project
    return Identity(known.project or "", own, known.name, known.role)


def _scoped(project: str, roles: Collection[str], name: str) -> Identity:
    if not _ADMIN.isdisjoint(roles) or not _QUOTAS.isdisjoint(roles):
        may = Role.ADMIN
    else:
        may = Role.READ if _WRITE.isdisjoint(roles) else Role.WRITE
    everywhere = not _EVERYWHERE.isdisjoint(roles)
    return Identity("" if everywhere else project, project, name, may)


def _trusted(request: IRequest, settings: OctaviaSettings) -> bool:
    host = getattr(request.getClientAddress(), "host", None)
    if not isinstance(host, str):
        return False
    address = ipaddress.ip_address(host)
    return any(address in ipaddress.ip_network(each) for each in settings.trusted)
