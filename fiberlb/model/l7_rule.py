"""L7 rules: what a request is asked, and how rules are nested."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar, Final

import attrs

from fiberlb.errors import Path
from fiberlb.model.convert import kinds, structure, unstructure
from fiberlb.model.dn import NAMES
from fiberlb.model.fields import (
    REFUSED,
    Flag,
    Loading,
    OneOf,
    Optional,
    Reference,
    Several,
    Text,
    field,
)
from fiberlb.model.resource import Resource


class RuleType(Enum):
    """
    What a rule looks at; each has an entry in C{fiberlb.routing.rules}.

    The last three look at other rules, those nested in them.
    """

    HOST_NAME = "host_name"
    PATH = "path"
    FILE_TYPE = "file_type"
    METHOD = "method"
    QUERY = "query"
    HEADER = "header"
    COOKIE = "cookie"
    PROTOCOL = "protocol"
    SSL_CONN_SNI = "ssl_conn_sni"
    SSL_ALPN = "ssl_alpn"
    SOURCE_IP = "source_ip"
    SSL_CONN_HAS_CERT = "ssl_conn_has_cert"
    SSL_VERIFY_RESULT = "ssl_verify_result"
    SSL_DN_FIELD = "ssl_dn_field"
    ANY = "any"
    ALL = "all"
    NOT = "not"

    # There is one of each, and most of compiling many rules is to look something up by its type.
    __hash__ = object.__hash__


class CompareType(Enum):
    """How a rule compares; each has an entry in C{fiberlb.routing.compare}."""

    EQUAL_TO = "equal_to"
    REGEX = "regex"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    CONTAINS = "contains"
    UNDER = "under"

    __hash__ = object.__hash__


#: Rule types that look at other rules.
NESTING: Final = frozenset({RuleType.ANY, RuleType.ALL, RuleType.NOT})
#: Rule types that look at one named thing.
KEYED: Final = frozenset({RuleType.HEADER, RuleType.COOKIE, RuleType.QUERY, RuleType.SSL_DN_FIELD})
#: Rule types that need no HTTP: what a listener that passes TLS through can look at.
OF_CONNECTIONS: Final = frozenset({RuleType.SSL_CONN_SNI, RuleType.SSL_ALPN, RuleType.SOURCE_IP})
#: Rule types whose candidates are nothing but equal to something, with what a value must be.
EXACT_ONLY: Final = {
    RuleType.SSL_CONN_HAS_CERT: (
        r"(?i:true)",
        "true; for clients without one set invert",
    ),
    RuleType.SSL_VERIFY_RESULT: (r"[0-9]{1,9}", "a number; 0: in order"),
    RuleType.PROTOCOL: (
        r"(?i:https?|websocket|grpc)",
        "http, https, websocket or grpc",
    ),
}
#: The seed's Rust name, as its serialiser spells it.
RULE_SPELLINGS: Final = {"ssl_conn_sn_i": "ssl_conn_sni"}
#: How deep rules may be nested: so many C{any}, C{all} and C{not} within each other.
DEEPEST: Final = 8
#: Rules nested in one rule, all levels together.
MOST_NESTED: Final = 1000

#: The words that the short form may begin with, and those of them that name a key.
_SHORT: Final = frozenset({*(t.value for t in RuleType), *RULE_SPELLINGS})
_SHORT_KEYED: Final = frozenset(t.value for t in KEYED)
_SHORT_NESTING: Final = frozenset(t.value for t in NESTING)
#: Rule types that take any value, compared in any way that is not for paths alone.
_SIMPLE: Final = frozenset({"host_name", "path", "file_type", "method"})
_UNDER: Final = CompareType.UNDER
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = Text(1024, 1)


@attrs.frozen
class NestedRules:
    """Rules within a rule; one stands for a list of one. The model holds a tuple."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if loading.depth >= DEEPEST:
            return loading.refuse(path, f"rules are nested more than {DEEPEST} deep")
        if isinstance(value, list):
            given = [(one, (*path, index)) for index, one in enumerate(value)]
        else:
            given = [(value, path)]
        if len(given) > MOST_NESTED:
            return loading.refuse(path, f"must have at most {MOST_NESTED} rules")
        loading.depth += 1
        loaded = tuple([structure(Condition, one, at, loading) for one, at in given])
        loading.depth -= 1
        return REFUSED if None in loaded else loaded

    def dump(self, value: Any) -> Any:
        return [unstructure(one) for one in value]

    def schema(self) -> dict[str, Any]:
        rule = {"$ref": f"#/$defs/{self.nests.__name__}"}
        return {"type": "array", "items": rule, "maxItems": MOST_NESTED}

    @property
    def nests(self) -> type:
        """What they are objects of; named here since it has such rules itself."""
        return Condition


@attrs.frozen(kw_only=True, slots=False)
class Condition:
    """
    What a rule asks; also a rule that is nested in another one, which has no identity.

    @ivar value: compared as UTF-8 octets; C{None} on a keyed rule: present is enough.
    @ivar values: instead of C{value}: any of them.
    @ivar key: the name of the header, cookie or parameter, or the attribute of the client's
        subject.
    @ivar rules: of C{any}, C{all} and C{not}: what they look at.
    @ivar invert: no candidate matches, absence included.
    """

    SPELLINGS: ClassVar[dict[str, str]] = {
        "type": "rule_type",
        "any": "rules",
        "all": "rules",
        "not": "rules",
    }
    TELLING: ClassVar[str] = "rule_type"

    rule_type: RuleType = field(OneOf(RuleType, RULE_SPELLINGS))
    compare_type: CompareType = field(OneOf(CompareType), CompareType.EQUAL_TO)
    value: str | None = field(Optional(_VALUE), None)
    values: tuple[str, ...] = field(Several(_VALUE, most=1000), ())
    key: str | None = field(Optional(Text(255, 1)), None)
    rules: tuple[Condition, ...] = field(NestedRules(), ())
    invert: bool = field(Flag(), False)

    @property
    def candidates(self) -> tuple[str, ...]:
        """What to compare with; empty: present is enough."""
        return self.values if self.value is None else (self.value,)

    @property
    def nested(self) -> int:
        """How many rules there are within, at all levels."""
        return sum([1 + rule.nested for rule in self.rules])

    @classmethod
    def short_keys(cls) -> dict[str, Any]:
        """The keys of the short form, with their schemas."""
        condition = {"$ref": "#/$defs/Condition"}
        several = {"type": "array", "items": _VALUE.schema()}
        nested = {"anyOf": [{"type": "array", "items": condition}, condition]}
        values = {"anyOf": [_VALUE.schema(), several]}
        done = {word: nested if word in _SHORT_NESTING else values for word in sorted(_SHORT)}
        return {**done, **{word: Text(255, 1).schema() for word in sorted(_SHORT_KEYED)}}

    @classmethod
    def expand(cls, value: Any, path: Path, loading: Loading) -> Any:
        """The short form: the type as the key, such as C{{path: /api}}."""
        if not isinstance(value, dict):
            return value
        if "rule_type" in value or "type" in value:
            return cls._agreeing(value, path, loading)
        found = [word for word in value if isinstance(word, str) and word.lower() in _SHORT]
        if not found:
            return cls._mistyped(value, path, loading)
        if len(found) > 1:
            return value
        word, subject = found[0], value[found[0]]
        rest = {key: content for key, content in value.items() if key != word}
        if word.lower() in _SHORT_NESTING:
            return {"rule_type": word, word.lower(): subject, **rest}
        if word.lower() in _SHORT_KEYED:
            return {"rule_type": word, "key": subject, **rest}
        return {
            "rule_type": word,
            "values" if isinstance(subject, list) else "value": subject,
            **rest,
        }

    @classmethod
    def _mistyped(cls, value: dict[Any, Any], path: Path, loading: Loading) -> Any:
        """A document that names no type: perhaps one of its words should have."""
        unknown = [word for word in value if word not in kinds(cls) and word not in cls.SPELLINGS]
        for word in unknown:
            guess = loading.guess(str(word), [*_SHORT, *kinds(cls)])
            message = f"{str(word)!r} is neither a rule type nor another key"
            loading.refuse((*path, str(word)), message, guess, "unknown_key")
        return REFUSED if unknown else value

    @staticmethod
    def _agreeing(value: dict[Any, Any], path: Path, loading: Loading) -> Any:
        """A document that names its type, unless the short form of another one stands beside."""
        kind = str(value.get("rule_type", value.get("type"))).lower()
        for word in value:
            if word in _SHORT_NESTING and word != kind:
                return loading.refuse((*path, word), f"does not go with rule_type {kind}")
        return value

    def check(self, path: Path, loading: Loading) -> None:
        """What a type needs, and what it does not take."""
        if self._simple():
            return
        if self.rule_type in NESTING:
            self._check_nesting(path, loading)
            return
        if self.rules:
            kind = self.rule_type.value
            loading.refuse((*path, "rules"), f"do not go with {kind}; use any, all or not")
        if self.value is not None and self.values:
            loading.refuse((*path, "values"), "value and values exclude each other")
        self._check_key(path, loading)
        self._check_comparison(path, loading)

    def _simple(self) -> bool:
        """Whether it compares something with one value, as nearly all do: nothing is wrong then."""
        only = self.value is not None and not self.values and self.key is None and not self.rules
        known = self.rule_type._value_ in _SIMPLE
        return only and known and self.compare_type is not _UNDER

    @classmethod
    def orderly(cls, columns: Mapping[str, Sequence[Any]]) -> bool:
        """Whether each of them compares something with one value, as nearly all do."""
        if {"values", "key", "rules"}.intersection(columns) or None in columns.get(
            "value", (None,)
        ):
            return False
        types = {kind.value for kind in {*columns["rule_type"]}}
        return types <= _SIMPLE and _UNDER not in columns.get("compare_type", ())

    def _check_nesting(self, path: Path, loading: Loading) -> None:
        kind = self.rule_type.value
        for name in ("value", "values", "key"):
            if getattr(self, name):
                loading.refuse((*path, name), f"does not go with {kind}, which has rules")
        if self.compare_type is not CompareType.EQUAL_TO:
            loading.refuse((*path, "compare_type"), f"does not go with {kind}, which has rules")
        if not self.rules:
            message = f"are needed: what {kind} is about"
            loading.refuse((*path, "rules"), message, code="missing")
        elif self.rule_type is RuleType.NOT and len(self.rules) > 1:
            message = "not is about one rule; put several into any or all"
            loading.refuse((*path, "rules"), message)
        elif self.nested > MOST_NESTED:
            loading.refuse((*path, "rules"), f"has more than {MOST_NESTED} rules within")

    def _check_key(self, path: Path, loading: Loading) -> None:
        kind = self.rule_type.value
        if self.rule_type not in KEYED:
            if self.key is not None:
                loading.refuse((*path, "key"), f"{kind} rules take no key")
            if not self.candidates:
                loading.refuse((*path, "value"), "is needed", code="missing")
        elif self.key is None:
            loading.refuse((*path, "key"), f"is needed by {kind} rules", code="missing")
        elif self.rule_type is RuleType.SSL_DN_FIELD and self.key.lower() not in NAMES:
            message = "is not an attribute of distinguished names"
            loading.refuse((*path, "key"), message, loading.guess(self.key.lower(), NAMES))
        elif self.rule_type is not RuleType.QUERY and not _TOKEN.fullmatch(self.key):
            loading.refuse((*path, "key"), f"must be the name of a {kind}")

    def _check_comparison(self, path: Path, loading: Loading) -> None:
        kind, compare = self.rule_type, self.compare_type
        at = (*path, "compare_type")
        if kind is RuleType.SOURCE_IP and compare is not CompareType.EQUAL_TO:
            loading.refuse(at, "source_ip rules take equal_to only")
        elif compare is CompareType.UNDER and kind is not RuleType.PATH:
            loading.refuse(at, "under is for paths", "starts_with")
        if kind not in EXACT_ONLY:
            return
        pattern, what = EXACT_ONLY[kind]
        if compare is not CompareType.EQUAL_TO:
            loading.refuse(at, f"{kind.value} rules have equal_to only")
        for index, value in enumerate(self.candidates):
            if not re.fullmatch(pattern, value):
                given = ("value",) if self.value is not None else ("values", index)
                loading.refuse((*path, *given), f"must be {what}")


@attrs.frozen(kw_only=True)
class L7Rule(Condition, Resource):
    """One test of a request, or several nested in each other."""

    COLLECTION: ClassVar[str] = "l7_rules"
    PARENT: ClassVar[tuple[str, str] | None] = ("policy_id", "l7_policies")

    policy_id: str = field(Reference("l7_policies"), "")
