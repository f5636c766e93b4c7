"""L7 policies and rules: which request goes where."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any, ClassVar

import attrs

from fiberlb.errors import Path
from fiberlb.model.bounds import POLICY_TIMEOUTS, Timeouts
from fiberlb.model.convert import Partial
from fiberlb.model.dn import NAMES
from fiberlb.model.fields import (
    NOT_SUPPORTED,
    Flag,
    Loading,
    OneOf,
    Optional,
    Reference,
    Several,
    Text,
    Whole,
    field,
)
from fiberlb.model.resource import Resource
from fiberlb.model.treated import Treated, own_first


class RuleType(Enum):
    """What a rule looks at; each has an entry in C{fiberlb.routing.rules}."""

    HOST_NAME = "host_name"
    PATH = "path"
    FILE_TYPE = "file_type"
    HEADER = "header"
    COOKIE = "cookie"
    SSL_CONN_SNI = "ssl_conn_sni"
    SSL_ALPN = "ssl_alpn"
    SOURCE_IP = "source_ip"
    SSL_CONN_HAS_CERT = "ssl_conn_has_cert"
    SSL_VERIFY_RESULT = "ssl_verify_result"
    SSL_DN_FIELD = "ssl_dn_field"


class CompareType(Enum):
    """How a rule compares; each has an entry in C{fiberlb.routing.compare}."""

    EQUAL_TO = "equal_to"
    REGEX = "regex"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    CONTAINS = "contains"


class PolicyAction(Enum):
    """What happens to a request that matches."""

    REDIRECT_TO_POOL = "redirect_to_pool"
    REDIRECT_TO_URL = "redirect_to_url"
    REDIRECT_PREFIX = "redirect_prefix"
    REJECT = "reject"


#: Rule types that look at one named thing.
KEYED = frozenset({RuleType.HEADER, RuleType.COOKIE, RuleType.SSL_DN_FIELD})
#: Rule types that need no HTTP: what a listener that passes TLS through can look at.
OF_CONNECTIONS = frozenset({RuleType.SSL_CONN_SNI, RuleType.SSL_ALPN, RuleType.SOURCE_IP})
#: Rule types whose candidates are nothing but equal to something, with what a value must be.
EXACT_ONLY = {
    RuleType.SSL_CONN_HAS_CERT: (
        r"(?i:true)",
        "true; for clients without one set invert",
    ),
    RuleType.SSL_VERIFY_RESULT: (r"[0-9]{1,9}", "a number; 0: in order"),
}
#: The seed's Rust name, as its serialiser spells it.
RULE_SPELLINGS = {"ssl_conn_sn_i": "ssl_conn_sni"}
_LATER_RULES = tuple("method query protocol".split())
#: The words that the short form may begin with, and those of them that name a key.
_SHORT = frozenset({*(t.value for t in RuleType), *_LATER_RULES, *RULE_SPELLINGS})
_SHORT_KEYED = frozenset(t.value for t in KEYED)
_LATER_NESTING = ("any", "all", "not")
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_KEY = Text(255, 1, _TOKEN, "a header, cookie or attribute name")
_VALUE = Text(1024, 1)


@attrs.frozen(kw_only=True)
class L7Rule(Resource):
    """
    One test of a request.

    @ivar value: compared as UTF-8 octets; C{None} on a keyed rule: present is enough.
    @ivar values: instead of C{value}: any of them.
    @ivar key: the name of the header or cookie, or the attribute of the client's subject.
    @ivar invert: no candidate matches, absence included.
    """

    COLLECTION: ClassVar[str] = "l7_rules"
    PARENT: ClassVar[tuple[str, str] | None] = ("policy_id", "l7_policies")
    SPELLINGS: ClassVar[dict[str, str]] = {"type": "rule_type"}

    policy_id: str = field(Reference("l7_policies"), "")
    rule_type: RuleType = field(OneOf(RuleType, RULE_SPELLINGS, _LATER_RULES))
    compare_type: CompareType = field(OneOf(CompareType, later=("under",)), CompareType.EQUAL_TO)
    value: str | None = field(Optional(_VALUE), None)
    values: tuple[str, ...] = field(Several(_VALUE, most=1000), ())
    key: str | None = field(
        Optional(Text(255, 1, _TOKEN, "a header, cookie or attribute name")), None
    )
    invert: bool = field(Flag(), False)

    @property
    def candidates(self) -> tuple[str, ...]:
        """What to compare with; empty: present is enough."""
        return self.values if self.value is None else (self.value,)

    @classmethod
    def expand(cls, value: Any, path: Path, loading: Loading) -> Any:
        """The short form: the type as the key, such as C{{path: /api}}."""
        if not isinstance(value, dict) or "rule_type" in value or "type" in value:
            return value
        for word in value:
            if word in _LATER_NESTING:
                return loading.refuse((*path, word), NOT_SUPPORTED, code="not_supported")
        found = [word for word in value if isinstance(word, str) and word.lower() in _SHORT]
        if len(found) != 1:
            return value
        rest = {key: content for key, content in value.items() if key != found[0]}
        subject = value[found[0]]
        if found[0].lower() in _SHORT_KEYED:
            return {"rule_type": found[0], "key": subject, **rest}
        return {
            "rule_type": found[0],
            "values" if isinstance(subject, list) else "value": subject,
            **rest,
        }

    def check(self, path: Path, loading: Loading) -> None:
        """Keyed types need a key, the others a value and no key."""
        if self.value is not None and self.values:
            loading.refuse((*path, "values"), "value and values exclude each other")
        if self.rule_type in KEYED:
            if self.key is None:
                loading.refuse(
                    (*path, "key"), f"is needed by {self.rule_type.value} rules", code="missing"
                )
            elif self.rule_type is RuleType.SSL_DN_FIELD and self.key.lower() not in NAMES:
                message = "is not an attribute of distinguished names"
                loading.refuse((*path, "key"), message, loading.guess(self.key.lower(), NAMES))
        else:
            if self.key is not None:
                loading.refuse((*path, "key"), f"{self.rule_type.value} rules take no key")
            if not self.candidates:
                loading.refuse((*path, "value"), "is needed", code="missing")
        if self.rule_type is RuleType.SOURCE_IP and self.compare_type is not CompareType.EQUAL_TO:
            loading.refuse((*path, "compare_type"), "source_ip rules take equal_to only")
        if self.rule_type in EXACT_ONLY:
            self._check_exact(path, loading)

    def _check_exact(self, path: Path, loading: Loading) -> None:
        pattern, what = EXACT_ONLY[self.rule_type]
        if self.compare_type is not CompareType.EQUAL_TO:
            message = f"{self.rule_type.value} rules have equal_to only"
            loading.refuse((*path, "compare_type"), message)
        for index, value in enumerate(self.candidates):
            if not re.fullmatch(pattern, value):
                at = ("value",) if self.value is not None else ("values", index)
                loading.refuse((*path, *at), f"must be {what}")


_IMPLIED = {
    "redirect_pool_id": PolicyAction.REDIRECT_TO_POOL,
    "redirect_url": PolicyAction.REDIRECT_TO_URL,
    "redirect_prefix": PolicyAction.REDIRECT_PREFIX,
}
#: Statuses of a redirect; the first is the default.
REDIRECT_STATUSES = (302, 301, 303, 307, 308)


@attrs.frozen(kw_only=True, field_transformer=own_first)
class L7Policy(Treated):
    """
    Rules, all of which must match, and what then happens.

    @ivar position: policies are evaluated lowest first; C{None} until the
        listener's policies are known, then 10 after the last.
    @ivar redirect_http_status_code: C{None}: 302 of a redirect, 403 of a reject.
    """

    COLLECTION: ClassVar[str] = "l7_policies"
    PARENT: ClassVar[tuple[str, str] | None] = ("listener_id", "listeners")
    CHILDREN: ClassVar[dict[str, str]] = {"rules": "l7_rules"}
    LATER: ClassVar[frozenset[str]] = Treated.LATER | {
        *"redirect_pools failover_pool_id response split_persistence".split()
    }

    listener_id: str = field(Reference("listeners"), "")
    position: int | None = field(Optional(Whole(0, 2147483647)), None)
    action: PolicyAction | None = field(
        Optional(OneOf(PolicyAction, later=("fixed_response",))), None
    )
    redirect_pool_id: str | None = field(Optional(Reference("pools")), None)
    redirect_url: str | None = field(Optional(Text(2048, 1)), None)
    redirect_prefix: str | None = field(Optional(Text(2048, 1)), None)
    redirect_http_status_code: int | None = field(Optional(Whole(300, 599)), None)
    timeouts: tuple[tuple[str, Any], ...] = field(Partial(Timeouts, POLICY_TIMEOUTS), ())

    @classmethod
    def expand(cls, value: Any, path: Path, loading: Loading) -> Any:
        """C{action} may be left out when exactly one target is given."""
        if not isinstance(value, dict) or value.get("action") is not None:
            return value
        given = [key for key in _IMPLIED if value.get(key) is not None]
        if len(given) == 1:
            return {**value, "action": _IMPLIED[given[0]].value}
        later = [key for key in ("redirect_pools", "response") if key in value]
        if not given and not later:
            loading.refuse((*path, "action"), "is needed", code="missing")
        elif not later:
            loading.refuse((*path, "action"), f"is needed: {' and '.join(given)} are both given")
        return value

    def check(self, path: Path, loading: Loading) -> None:
        """Each action needs its own target and no other, and a status of its kind."""
        for key, action in _IMPLIED.items():
            given = getattr(self, key) is not None
            if action is self.action and not given:
                loading.refuse((*path, key), f"is needed by {action.value}", code="missing")
            if action is not self.action and given and self.action is not None:
                loading.refuse((*path, key), f"does not go with {self.action.value}")
        status = self.redirect_http_status_code
        at = (*path, "redirect_http_status_code")
        if status is None:
            return
        if self.action is PolicyAction.REJECT and status < 400:
            loading.refuse(at, "must be from 400 to 599 with reject")
        elif self.action is PolicyAction.REDIRECT_TO_POOL:
            loading.refuse(at, "does not go with redirect_to_pool")
        elif self.action is not PolicyAction.REJECT and status not in REDIRECT_STATUSES:
            loading.refuse(at, "must be one of 301, 302, 303, 307, 308")
