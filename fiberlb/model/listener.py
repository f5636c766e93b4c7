"""Listeners: where clients come in."""

from __future__ import annotations

from enum import Enum
from typing import Any, ClassVar

import attrs

from fiberlb.errors import Path
from fiberlb.model.addresses import (
    Network,
    check_port,
    named,
    needs_port,
)
from fiberlb.model.bounds import Limits, Timeouts
from fiberlb.model.convert import AllOr, Nested, Partial
from fiberlb.model.fields import (
    Flag,
    Loading,
    OneOf,
    Optional,
    Reference,
    Several,
    Text,
    Whole,
    Words,
    field,
)
from fiberlb.model.hsts import Hsts
from fiberlb.model.listener_values import ConnectionLimit, ListenAddress, RedirectStatus, Setting
from fiberlb.model.split import (
    PERSISTENCE,
    WEIGHTED_POOLS,
    SplitPersistence,
    WeightedPool,
    check_split,
)
from fiberlb.model.treated import Treated, own_first


class ListenerProtocol(Enum):
    """What clients speak; C{https} with a C{tls_config} is C{terminated_https}."""

    TCP = "tcp"
    UDP = "udp"
    HTTP = "http"
    HTTPS = "https"
    TERMINATED_HTTPS = "terminated_https"
    PROMETHEUS = "prometheus"


#: Listeners whose requests are not understood, or are no business of policies.
_WITHOUT_REQUESTS = (ListenerProtocol.TCP, ListenerProtocol.UDP, ListenerProtocol.PROMETHEUS)
#: Fields without a meaning where nothing but the figures of this node is served.
_NOT_WITH_FIGURES = (
    "accept_proxy_protocol",
    "client_connection_limit",
    "default_pool_id",
    "default_pools",
    "insert_headers",
    "limits",
    "rate_limit",
    "timeouts",
)


class TlsVersion(Enum):
    """TLS protocol versions, oldest first."""

    TLS12 = "tls12"
    TLS13 = "tls13"


class PolicyOrder(Enum):
    """How a listener's policies are ordered (product page, decision 3)."""

    POSITION = "position"
    OCTAVIA = "octavia"


class EncodedSlash(Enum):
    """What happens to a path with an encoded slash or backslash (product page, decision 5)."""

    CHECK = "check"
    KEEP = "keep"
    REJECT = "reject"


class TlsProfile(Enum):
    """Which clients TLS is for, as Mozilla's lists name them."""

    INTERMEDIATE = "intermediate"
    MODERN = "modern"


class Alpn(Enum):
    """Protocols that are served inside TLS."""

    HTTP11 = "http/1.1"


class ClientAuthentication(Enum):
    """Whether clients show certificates; one that is shown must be good in every case."""

    NONE = "none"
    OPTIONAL = "optional"
    MANDATORY = "mandatory"


#: Other spellings of versions, Octavia's among them.
TLS_SPELLINGS = {"tlsv1.2": "tls12", "tls1.2": "tls12", "tlsv1.3": "tls13", "tls1.3": "tls13"}
#: Labels, the first of which may be a wildcard; who compares minds neither case nor final dot.
_SERVER_NAME = r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_-]*)(\.[A-Za-z0-9_-]+)*\.?"


#: What says more of how clients are asked for certificates, and nothing where they are not.
_OF_CLIENTS = (
    "client_ca_certificate_id",
    "client_crl_certificate_id",
    "client_authentication_names",
)


@attrs.frozen(kw_only=True)
class TlsConfig:
    """
    How a listener terminates TLS.

    @ivar certificate_id: the default certificate, or several of the same names.
    @ivar sni_certificate_ids: further ones, chosen by server name; C{None}: C{all} there are.
    @ivar strict_sni: an unknown server name is refused instead of getting the default.
    @ivar min_version: C{None}: as the profile says.
    @ivar max_version: C{None}: the newest there is.
    @ivar cipher_suites: OpenSSL names; empty: the profile's.
    @ivar alpn_protocols: in order of preference; C{None}: what is served; empty: none is offered.
    @ivar client_ca_certificate_id: who may vouch for clients.
    @ivar client_crl_certificate_id: a C{client_ca} whose revocation lists hold too, beside those
        that come with the authorities.
    @ivar client_authentication_names: server names that it is asked for; empty: all.
    """

    certificate_id: tuple[str, ...] = field(Several(Reference("certificates"), single=True, most=8))
    sni_certificate_ids: tuple[str, ...] | None = field(
        AllOr(Several(Reference("certificates"), single=True)), ()
    )
    strict_sni: bool = field(Flag(), False)
    profile: TlsProfile = field(OneOf(TlsProfile), TlsProfile.INTERMEDIATE)
    min_version: TlsVersion | None = field(Optional(OneOf(TlsVersion, TLS_SPELLINGS)), None)
    max_version: TlsVersion | None = field(Optional(OneOf(TlsVersion, TLS_SPELLINGS)), None)
    cipher_suites: tuple[str, ...] = field(
        Several(Text(64, 1, "[A-Z0-9a-z_-]+", "an OpenSSL cipher name"), single=True, most=64), ()
    )

    alpn_protocols: tuple[Alpn, ...] | None = field(
        Optional(Several(OneOf(Alpn, later=("h2", "http/1.0")), most=8)), None
    )
    client_ca_certificate_id: str | None = field(Optional(Reference("certificates")), None)
    client_crl_certificate_id: str | None = field(Optional(Reference("certificates")), None)
    client_authentication: ClientAuthentication = field(
        OneOf(ClientAuthentication), ClientAuthentication.NONE
    )
    client_authentication_names: tuple[str, ...] = field(
        Several(Text(253, 1, _SERVER_NAME, "a server name, or one with *. in front"), most=1000), ()
    )

    @property
    def least(self) -> TlsVersion:
        """The oldest version served."""
        if self.min_version is not None:
            return self.min_version
        return TlsVersion.TLS13 if self.profile is TlsProfile.MODERN else TlsVersion.TLS12

    @property
    def asks_clients(self) -> bool:
        """Whether clients are asked for certificates."""
        return self.client_authentication is not ClientAuthentication.NONE

    def check(self, path: Path, loading: Loading) -> None:
        """The versions must leave something, there must be a certificate, and somebody to vouch."""
        if not self.certificate_id:
            loading.refuse((*path, "certificate_id"), "is needed", code="missing")
        if self.max_version is TlsVersion.TLS12 and self.least is TlsVersion.TLS13:
            loading.refuse((*path, "max_version"), "must not be below min_version")
        if self.asks_clients and self.client_ca_certificate_id is None:
            message = f"is needed by client_authentication {self.client_authentication.value}"
            loading.refuse((*path, "client_ca_certificate_id"), message, code="missing")
        elif not self.asks_clients:
            for name in _OF_CLIENTS:
                if getattr(self, name):
                    message = "does nothing: set client_authentication to optional or mandatory"
                    loading.refuse((*path, name), message)


#: Header fields that a listener inserts unless told otherwise.
INSERTABLE = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port")
#: Others, that it inserts where told: the client's address by other names, and what a request is
#: known by.
OPTIONAL_FIELDS = (
    "X-Forwarded-IP",
    "X-Client-IP",
    "X-Real-IP",
    "Forwarded",
    "X-Request-ID",
    "traceparent",
)
#: Fields about the client's certificate that a listener inserts where told, in Octavia's spelling.
CLIENT_FIELDS = (
    "X-SSL-Client-Verify",
    "X-SSL-Client-Has-Cert",
    "X-SSL-Client-DN",
    "X-SSL-Client-CN",
    "X-SSL-Issuer",
    "X-SSL-Client-SHA1",
    "X-SSL-Client-Not-Before",
    "X-SSL-Client-Not-After",
)


#: What helps where a listener passes TLS through and more is asked of it.
ADD_TLS_CONFIG = "without tls_config TLS is passed through unread; add tls_config to end it here"


@attrs.frozen(kw_only=True, field_transformer=own_first)
class Listener(Treated):
    """
    An address, a port and what is done with what comes in.

    @ivar address: empty: the addresses of the load balancer.
    @ivar port: of the IP addresses; C{None} where there is none of these.
    @ivar default_pool_id: where requests go that no policy takes; C{None}: 503.
    @ivar default_pools: several, each with its share, in its place.
    @ivar split_persistence: keeps a client at its pool of C{default_pools}.
    @ivar https_redirect: the status of a redirect of everything to https; 0 for none.
    @ivar hsts: what browsers are told; C{None}: nothing.
    @ivar allowed_cidrs: networks that may connect; empty: all.
    @ivar accept_proxy_protocol: connections begin with a header of the PROXY protocol, and come
        from trusted proxies only.
    @ivar connection_limit: connections that may be open at once, in all workers together;
        -1 for any number. Beyond it clients wait to be accepted.
    @ivar readiness_path: GET there is answered by this process: whether it serves, and goes on to.
    @ivar client_connection_limit: the same of each client; beyond it a client is turned away.
    @ivar insert_headers: overrides of which fields are sent to the members, as pairs.
    @ivar timeouts: overrides of the defaults, as pairs.
    @ivar limits: overrides of the process's, as pairs.
    """

    COLLECTION: ClassVar[str] = "listeners"
    CHILDREN: ClassVar[dict[str, str]] = {"l7_policies": "l7_policies"}
    SPELLINGS: ClassVar[dict[str, str]] = {"load_balancer_id": "loadbalancer_id"}
    LATER: ClassVar[frozenset[str]] = Treated.LATER | {*"onion onion_location".split()}

    loadbalancer_id: str = field(Reference("load_balancers"), "default")
    address: tuple[str, ...] = field(Several(ListenAddress(), single=True, most=64), ())
    port: int | None = field(Optional(Whole(1, 65535)), None)
    protocol: ListenerProtocol = field(OneOf(ListenerProtocol))
    tls_config: TlsConfig | None = field(Optional(Nested(TlsConfig)), None)
    default_pool_id: str | None = field(Optional(Reference("pools")), None)
    default_pools: tuple[WeightedPool, ...] | None = field(Optional(WEIGHTED_POOLS), None)
    split_persistence: SplitPersistence | None = field(PERSISTENCE, None)
    l7policy_order: PolicyOrder = field(OneOf(PolicyOrder), PolicyOrder.POSITION)
    encoded_slash: EncodedSlash = field(OneOf(EncodedSlash), EncodedSlash.CHECK)
    https_redirect: int = field(RedirectStatus(), 0)
    hsts: Hsts | None = field(Optional(Nested(Hsts)), None)
    allowed_cidrs: tuple[str, ...] = field(Several(Network()), ())
    accept_proxy_protocol: bool = field(Flag(), False)
    connection_limit: int = field(ConnectionLimit(), -1)
    readiness_path: str | None = field(
        Optional(Text(1024, 1, r"/[!-\"$->@-~]*", "a path, without query")), None
    )
    client_connection_limit: int = field(ConnectionLimit(), -1)
    insert_headers: tuple[tuple[str, bool], ...] = field(
        Words(Setting(), (*INSERTABLE, *OPTIONAL_FIELDS, *CLIENT_FIELDS), fold=True), ()
    )
    timeouts: tuple[tuple[str, Any], ...] = field(Partial(Timeouts), ())
    limits: tuple[tuple[str, Any], ...] = field(Partial(Limits), ())

    @property
    def terminates(self) -> bool:
        """Whether TLS ends here."""
        return self.tls_config is not None

    @property
    def speaks_http(self) -> bool:
        """Whether requests are understood, rather than bytes relayed."""
        return self.protocol not in _WITHOUT_REQUESTS and not self.passes_tls

    @property
    def shows_figures(self) -> bool:
        """Whether it answers with the figures of this node, and has nothing to do with pools."""
        return self.protocol is ListenerProtocol.PROMETHEUS

    @property
    def datagrams(self) -> bool:
        """Whether it takes datagrams, not connections."""
        return self.protocol is ListenerProtocol.UDP

    @property
    def passes_tls(self) -> bool:
        """Whether TLS goes on to the member, chosen by what the client says first."""
        return self.protocol is ListenerProtocol.HTTPS and self.tls_config is None

    @classmethod
    def needed(cls, loaded: dict[str, Any]) -> tuple[str, ...]:
        """A port, beside an IP address."""
        return needs_port(loaded.get("address"))

    def check(self, path: Path, loading: Loading) -> None:
        """The protocol and the addresses decide which other fields make sense."""
        check_port([*self.address] or [""], self.port, path, loading)
        secure = self.protocol in (ListenerProtocol.HTTPS, ListenerProtocol.TERMINATED_HTTPS)
        if self.protocol is ListenerProtocol.TERMINATED_HTTPS and self.tls_config is None:
            loading.refuse((*path, "tls_config"), "is needed by terminated_https", code="missing")
        elif not secure and self.tls_config is not None:
            loading.refuse(
                (*path, "tls_config"), f"does not go with {self.protocol.value}; use https"
            )
        for name, told in self.insert_headers:
            if told and name in CLIENT_FIELDS and not secure:
                message = "is about clients of TLS; this listener does not end it"
                loading.refuse((*path, "insert_headers", name), message)
        if self.https_redirect and self.protocol is not ListenerProtocol.HTTP:
            loading.refuse((*path, "https_redirect"), "is for http listeners only")
        if self.readiness_path is not None and not self.speaks_http:
            hint = f"; {ADD_TLS_CONFIG}" if self.passes_tls else ""
            loading.refuse((*path, "readiness_path"), f"needs HTTP{hint}")
        if self.hsts is not None and not self.terminates:
            message = "is minded by browsers over https only; this listener does not end TLS"
            loading.refuse((*path, "hsts"), message)
        if self.insert_headers and self.passes_tls:
            loading.refuse((*path, "insert_headers"), f"needs HTTP; {ADD_TLS_CONFIG}")
        self._check_pools(path, loading)
        if self.passes_tls:
            self.refuse_treatment(f"needs HTTP; {ADD_TLS_CONFIG}", path, loading)
        elif not self.speaks_http:
            self.refuse_treatment(f"needs HTTP, not {self.protocol.value}", path, loading)
        self._check_kind(path, loading)

    def _check_pools(self, path: Path, loading: Loading) -> None:
        """One way to say where requests go by default."""
        pools = self.default_pools
        if pools is not None and self.default_pool_id is not None:
            message = "default_pool_id and default_pools exclude each other"
            loading.refuse((*path, "default_pools"), message)
        if pools is not None and not pools:
            loading.refuse((*path, "default_pools"), "must name a pool")
        check_split(pools or (), self.split_persistence, "default_pools", path, loading)
        if self.split_persistence is not None and not self.speaks_http:
            hint = f"; {ADD_TLS_CONFIG}" if self.passes_tls else ""
            message = f"is a cookie, and needs HTTP{hint}"
            loading.refuse((*path, "split_persistence"), message)

    def _check_kind(self, path: Path, loading: Loading) -> None:
        """What does not go with listeners of a kind of their own."""
        if self.datagrams:
            self._check_datagrams(path, loading)
        elif self.shows_figures:
            self._check_figures(path, loading)

    def _check_datagrams(self, path: Path, loading: Loading) -> None:
        """What goes with connections only."""
        for index, address in enumerate(self.address):
            if named(address):
                message = f"{address} takes connections; udp listeners need IP addresses"
                loading.refuse((*path, "address", index), message)
        for name in ("accept_proxy_protocol", "insert_headers", "default_pools", "rate_limit"):
            if getattr(self, name):
                loading.refuse((*path, name), "does not go with udp")

    def _check_figures(self, path: Path, loading: Loading) -> None:
        """No pools, nothing of requests: the figures of this node are all that there is."""
        for name in _NOT_WITH_FIGURES:
            if getattr(self, name) not in (None, (), False, -1):
                loading.refuse((*path, name), "does not go with prometheus")
