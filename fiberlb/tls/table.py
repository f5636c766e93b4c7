"""The leaf contexts of a listener, for one state of its configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import attrs
from OpenSSL import SSL

from fiberlb.errors import ConfigurationError, Problem
from fiberlb.model.certificate import Certificate
from fiberlb.model.listener import TlsVersion
from fiberlb.model.ocsp import Staple
from fiberlb.tls import openssl, stapling
from fiberlb.tls.authorities import Authorities, inspect_authorities, with_lists
from fiberlb.tls.chain import install
from fiberlb.tls.ciphers import Suites
from fiberlb.tls.clients import ClientPlan, Guard
from fiberlb.tls.material import Material, inspect
from fiberlb.tls.sni import Names

_VERSIONS = {TlsVersion.TLS12: SSL.TLS1_2_VERSION, TlsVersion.TLS13: SSL.TLS1_3_VERSION}

#: What a material is read from; the dictionaries of a table have these as keys.
_Source = tuple[str, str | None, str | None]
#: What a leaf serves, what is stapled to each, and who judges the clients there.
_LeafKey = tuple[tuple[_Source, ...], tuple[Staple | None, ...], Guard | None]


class Plan(Protocol):
    """What a table is made from: the shape of C{fiberlb.snapshot.TlsPlan}."""

    @property
    def default(self) -> Sequence[Certificate]:
        """For unknown names; of each kind of key the first one counts."""

    @property
    def others(self) -> Sequence[Certificate]:
        """Chosen by name; those of C{default} are too, and first."""

    @property
    def strict(self) -> bool:
        """An unknown or missing name is refused."""

    @property
    def min_version(self) -> TlsVersion:
        """The oldest version served."""

    @property
    def max_version(self) -> TlsVersion | None:
        """The newest version served; C{None}: the newest there is."""

    @property
    def cipher_suites(self) -> Sequence[str]:
        """OpenSSL names in order of preference; empty: the defaults."""

    @property
    def protocols(self) -> Sequence[str]:
        """Offered by ALPN, best first."""

    @property
    def client(self) -> ClientPlan | None:
        """How clients are judged; C{None}: they are not asked."""

    @property
    def sessions(self) -> object:
        """Two plans of one listener with the same may resume each other's sessions."""


@attrs.frozen(kw_only=True, eq=False)
class TlsTable:
    """
    Everything that a listener's handshakes need.

    @ivar materials: by certificate id; see L{Material.expired} for a warning.
    @ivar suites: the cipher suites.
    @ivar base: the context that connections are made with.
    @ivar default: the leaf for unknown names; C{None}: they are refused.
    @ivar names: the leaf for a name.
    @ivar least: the oldest protocol version served, as OpenSSL numbers them.
    @ivar most: the newest one.
    @ivar options: what a connection sets to keep to them, as the base does not.
    @ivar protocols: offered by ALPN, best first.
    @ivar guard: judges clients; C{None}: they are not asked.
    @ivar sessions: what L{Plan.sessions} was.
    @ivar inspected: materials by what they were read from, for the next table.
    @ivar leaves: by what they serve, for the next table.
    """

    materials: Mapping[str, Material]
    suites: Suites
    base: SSL.Context
    default: SSL.Context | None
    names: Names[SSL.Context]
    least: int
    most: int
    options: int
    protocols: tuple[bytes, ...]
    guard: Guard | None
    sessions: object
    inspected: Mapping[_Source, Material] = attrs.field(repr=False)
    leaves: Mapping[_LeafKey, SSL.Context] = attrs.field(repr=False)

    def choose(self, version: int, name: bytes | None) -> SSL.Context | int:
        """
        The leaf for a handshake, or the alert that refuses it.

        @param version: the protocol version negotiated, as OpenSSL numbers them.
        @param name: the server name as the client sent it, C{None} when it sent none.
        """
        if not self.least <= version <= self.most:
            return openssl.PROTOCOL_VERSION
        if name is None:
            # RFC 8446 section 9.2 has an alert of its own for a name that is needed.
            return openssl.MISSING_EXTENSION if self.default is None else self.default
        # latin-1 takes every byte; a name with others than ASCII is in no certificate.
        leaf = self.names.select(name.decode("latin-1")) or self.default
        return openssl.UNRECOGNIZED_NAME if leaf is None else leaf


class _Leaves:
    """
    The contexts of one table while it is made.

    @param make: makes a context without a certificate.
    @param now: seconds since the epoch.
    @param previous: the table in use, whose parts are taken over.
    """

    def __init__(
        self,
        make: Callable[[], SSL.Context],
        now: Callable[[], float],
        suites: Suites,
        guard: Guard | None,
        previous: TlsTable | None,
    ) -> None:
        self._make = make
        self._now = now
        self._guard = guard
        self._inspected = previous.inspected if previous else {}
        # A leaf holds the suites of TLS 1.2: with others it is another leaf.
        reusable = previous is not None and previous.suites == suites
        self._leaves = previous.leaves if previous and reusable else {}
        self.materials: dict[str, Material] = {}
        self.inspected: dict[_Source, Material] = {}
        self.leaves: dict[_LeafKey, SSL.Context] = {}
        self._sources: dict[str, _Source] = {}
        self._staples: dict[str, Staple | None] = {}

    def read(self, certificates: Sequence[Certificate]) -> None:
        """Inspect what is not known yet; tells all problems at once."""
        problems: list[Problem] = []
        for certificate in certificates:
            source = (certificate.certificate, certificate.private_key, certificate.passphrase)
            try:
                material = self._inspected.get(source) or inspect(certificate)
            except ConfigurationError as why:
                place = ("certificates", certificate.id)
                problems += [attrs.evolve(p, path=(*place, *p.path)) for p in why.problems]
                continue
            self._sources[certificate.id] = source
            self._staples[certificate.id] = certificate.staple
            self.materials[certificate.id] = self.inspected[source] = material
        if problems:
            # dict: a certificate may be default and named, and is told once.
            raise ConfigurationError(dict.fromkeys(problems))

    def leaf(self, ids: Sequence[str]) -> SSL.Context:
        """The context that serves these certificates, each with another kind of key."""
        stapled = tuple(self._staples[ident] for ident in ids)
        key = (tuple(self._sources[ident] for ident in ids), stapled, self._guard)
        if key not in self.leaves:
            self.leaves[key] = self._leaves.get(key) or self._filled(ids)
        return self.leaves[key]

    def _filled(self, ids: Sequence[str]) -> SSL.Context:
        context = self._make()
        if self._guard is not None:
            self._guard.install(context)
        for ident in ids:
            try:
                install(context, self.materials[ident])
            except (SSL.Error, ValueError) as why:
                openssl.clear_errors()
                message = f"is refused by OpenSSL: {openssl.reason(why)}"
                problem = Problem(("certificates", ident, "certificate"), message)
                raise ConfigurationError([problem]) from None
        pairs = [(self.materials[ident].leaf, self._staples[ident]) for ident in ids]
        stapling.install(context, pairs, self._now)
        return context


def build(
    plan: Plan,
    suites: Suites,
    base: SSL.Context,
    make: Callable[[], SSL.Context],
    previous: TlsTable | None,
    now: Callable[[], float],
) -> TlsTable:
    """
    The table for a plan.

    A new leaf costs about 0.3 ms and 22 KiB, and reading an RSA key about as
    much; what the previous table has costs next to nothing.

    @param make: makes a leaf without a certificate.
    @param previous: the table in use, if there is one.
    @param now: seconds since the epoch, for what is stapled.

    @raise ConfigurationError: with problems at C{("certificates", id, field)}.
    """
    guard = _guard(plan.client, previous)
    leaves = _Leaves(make, now, suites, guard, previous)
    leaves.read((*plan.default, *plan.others))
    default = leaves.leaf(_of_each_kind(plan.default, leaves.materials))
    least = _VERSIONS[plan.min_version]
    most = _VERSIONS[plan.max_version or TlsVersion.TLS13]
    pairs = [(name, leaves.leaf(ids)) for name, ids in _named(leaves.materials)]
    return TlsTable(
        materials=leaves.materials,
        suites=suites,
        base=base,
        default=None if plan.strict else default,
        names=Names(pairs),
        least=least,
        most=most,
        options=_version_options(least, most),
        protocols=tuple(protocol.encode() for protocol in plan.protocols),
        guard=guard,
        sessions=plan.sessions,
        inspected=leaves.inspected,
        leaves=leaves.leaves,
    )


def _guard(plan: ClientPlan | None, previous: TlsTable | None) -> Guard | None:
    """Who judges clients: the one that has, if nothing has changed for it."""
    if plan is None:
        return None
    before = previous.guard if previous else None
    if before is not None and before.plan == plan:
        return before
    authorities = _found(plan.judge, lambda: inspect_authorities(plan.judge))
    revoker = plan.revoker
    if revoker is not None:
        authorities = _found(revoker, lambda: with_lists(authorities, revoker))
    return Guard(plan, authorities)


def _found(certificate: Certificate, read: Callable[[], Authorities]) -> Authorities:
    """What is read of a certificate, whose problems are said to be its own."""
    try:
        return read()
    except ConfigurationError as why:
        place = ("certificates", certificate.id)
        raise ConfigurationError(
            attrs.evolve(p, path=(*place, *p.path)) for p in why.problems
        ) from None


def _version_options(least: int, most: int) -> int:
    older = SSL.OP_NO_TLSv1_2 if least > SSL.TLS1_2_VERSION else 0
    newer = SSL.OP_NO_TLSv1_3 if most < SSL.TLS1_3_VERSION else 0
    return older | newer


def _of_each_kind(
    certificates: Sequence[Certificate], materials: Mapping[str, Material]
) -> tuple[str, ...]:
    """Ids of the first certificate of each kind of key: what one context can hold."""
    first: dict[str, str] = {}
    for certificate in certificates:
        first.setdefault(materials[certificate.id].key_type, certificate.id)
    return tuple(first.values())


def _named(materials: Mapping[str, Material]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """For every name the first certificate of each kind of key."""
    groups: dict[str, dict[str, str]] = {}
    for ident, material in materials.items():
        for name in material.names:
            groups.setdefault(name, {}).setdefault(material.key_type, ident)
    for name, first in groups.items():
        yield name, tuple(first.values())
