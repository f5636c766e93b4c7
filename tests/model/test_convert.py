"""Documents to model and back: what all classes have in common."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import Path
from fiberlb.model.bounds import Timeouts
from fiberlb.model.certificate import Certificate
from fiberlb.model.convert import (
    AllOr,
    Nested,
    Partial,
    kind_of,
    kinds,
    map_references,
    overlaid,
    refuse_key,
    said,
    secret_fields,
    structure,
    unstructure,
)
from fiberlb.model.fields import (
    MOST_SUGGESTIONS,
    Loading,
    Material,
    Optional,
    Reference,
    Several,
    Text,
    Whole,
    field,
)
from fiberlb.model.l7_rule import L7Rule
from fiberlb.model.listener import Listener, TlsConfig
from fiberlb.model.pool import Pool
from fiberlb.model.referring import references
from tests.model.documents import check_schema, loaded, made, problems, refused, values


@attrs.frozen(kw_only=True)
class Inner:
    """A value without an identity."""

    LATER: ClassVar[frozenset[str]] = frozenset({"soon"})

    size: int = field(Whole(1, 9), 1)
    pool: str | None = field(Optional(Reference("pools")), None)

    def check(self, path: Path, loading: Loading) -> None:
        """Something between fields."""
        if self.size == 7 and self.pool is None:
            loading.refuse((*path, "pool"), "is needed by 7")


@attrs.frozen(kw_only=True)
class Outer:
    """Everything a class may have."""

    LATER: ClassVar[frozenset[str]] = frozenset({"later"})
    CHILDREN: ClassVar[dict[str, str]] = {"things": "things"}
    SPELLINGS: ClassVar[dict[str, str]] = {"title": "name"}

    name: str = field(Text(9, 1))
    inner: Inner = field(Nested(Inner), Inner())
    secret: str | None = field(Optional(Material(secret=True)), None)
    pools: tuple[str, ...] = field(Several(Reference("pools")), ())
    hidden: int = 5

    @classmethod
    def expand(cls, value: Any, path: Path, loading: Loading) -> Any:
        """A text is a name."""
        if value == "bad":
            return loading.refuse(path, "bad")
        return {"name": value} if isinstance(value, str) else value


class StructureTests(SynchronousTestCase):
    """Reading."""

    def test_fields(self) -> None:
        """Fields are read by their kinds, defaults fill in."""
        found = made(Outer, name="a", inner={"size": "5"}, pools=["p"])
        self.assertEqual(found, Outer(name="a", inner=Inner(size=5), pools=("p",)))
        self.assertEqual(found.hidden, 5)

    def test_short(self) -> None:
        """A class may take a short form, and refuse one."""
        self.assertEqual(structure(Outer, "a", (), Loading()), Outer(name="a"))
        self.assertEqual(problems(Outer, "bad"), ["bad"])

    def test_no_mapping(self) -> None:
        """Anything else is refused."""
        for value in values(None, 5, [], True):
            self.assertEqual(problems(Inner, value), ["must be a mapping"])

    def test_keys(self) -> None:
        """Unknown, later, missing and repeated keys are told; children are passed over."""
        self.assertEqual(
            problems(Outer, {"nam": "a", "later": 1, "hidden": 1, "things": 5}),
            [
                "nam: unknown key 'nam' (did you mean 'name'?)",
                "later: known, not supported by this version",
                "hidden: unknown key 'hidden'",
                "name: is needed",
            ],
        )
        self.assertEqual(
            problems(Outer, {"thing": [], "name": "a"})[0].split("mean ")[1], "'things'?)"
        )
        self.assertEqual(
            problems(Outer, {"name": "a", "title": "b"}),
            ["title: the same as name, which is given too"],
        )

    def test_many_keys(self) -> None:
        """Only the first of very many unknown keys get a guess: it takes time."""
        loading = Loading()
        structure(Inner, dict.fromkeys((f"siz{n}" for n in range(150)), 1), (), loading)
        guesses = [p.suggestion for p in loading.problems]
        self.assertEqual((len(guesses), guesses.count("size")), (150, MOST_SUGGESTIONS))

    def test_all_problems(self) -> None:
        """Each field's problem is told, with the paths of nested ones."""
        found = problems(Outer, {"name": "", "inner": {"size": 10, "soon": 1}, "pools": [1]})
        self.assertEqual(
            [line.split(": ")[0] for line in found],
            ["name", "inner.size", "inner.soon", "pools[0]"],
        )

    def test_check(self) -> None:
        """What is wrong between fields is told, once they are right themselves."""
        self.assertEqual(
            problems(Outer, {"name": "a", "inner": {"size": 7}}), ["inner.pool: is needed by 7"]
        )
        made(Outer, name="a", inner={"size": 7, "pool": "p"})

    def test_codes(self) -> None:
        """Programs get a word for what kind of problem it is."""
        loading = Loading()
        structure(Outer, {"x": 1, "later": 1}, ("at",), loading)
        self.assertEqual(
            [(p.code, p.path) for p in loading.problems],
            [
                ("unknown_key", ("at", "x")),
                ("not_supported", ("at", "later")),
                ("missing", ("at", "name")),
            ],
        )
        refuse_key(Inner, 5, (), loading)
        self.assertEqual(loading.problems[-1].message, "unknown key '5'")


class WritingTests(SynchronousTestCase):
    """Writing."""

    def test_secrets(self) -> None:
        """Secrets are written for the store only."""
        found = Outer(name="a", secret="s")
        self.assertIsNone(unstructure(found)["secret"])
        self.assertEqual(unstructure(found, secrets=True)["secret"], "s")
        self.assertEqual(secret_fields(Outer), {"secret"})
        self.assertEqual(secret_fields(Certificate), {"private_key", "passphrase"})

    def test_kinds(self) -> None:
        """Only declared fields stand in documents."""
        self.assertEqual(list(kinds(Outer)), ["name", "inner", "secret", "pools"])
        self.assertIsInstance(kind_of(kinds(Outer)["secret"]), Material)
        self.assertIsInstance(kind_of(kinds(Outer)["name"]), Text)


class PartialTests(SynchronousTestCase):
    """Overrides of an outer level."""

    kind = Partial(Timeouts, ("tunnel", "member_response"))

    def test_pairs(self) -> None:
        """Pairs, sorted; written as a mapping."""
        pairs = loaded(self.kind, {"tunnel": "none", "member_response": "5s"})
        self.assertEqual(pairs, (("member_response", 5.0), ("tunnel", None)))
        self.assertEqual(self.kind.dump(pairs), {"member_response": "5s", "tunnel": "none"})
        self.assertEqual(loaded(self.kind, self.kind.dump(pairs)), pairs)
        self.assertEqual(loaded(self.kind, None), ())

    def test_refused(self) -> None:
        """Keys of other levels, of later versions, of none; values out of range."""
        for value, message in (
            ([], "must be a mapping"),
            ({"keep_alive": "5s"}, ".keep_alive: keep_alive cannot be set here"),
            ({"tunel": "5s"}, ".tunel: unknown key 'tunel' (did you mean 'tunnel'?)"),
        ):
            self.assertEqual(refused(self.kind, value).removeprefix("field"), message)
        self.assertIn("must be a duration", refused(self.kind, {"tunnel": 5}))
        later = refused(Partial(Pool), {"http2": "x"})
        self.assertEqual(later, "field.http2: known, not supported by this version")

    def test_schema(self) -> None:
        """Only the keys allowed here are in the schema."""
        check_schema(self.kind, [{"tunnel": "5s"}, {}], [{"keep_alive": "5s"}, {"tunnel": 5}])

    def test_overlaid(self) -> None:
        """The last level wins; none at all costs nothing."""
        base = Timeouts()
        found = overlaid(base, (("tunnel", 1.0), ("keep_alive", 2.0)), (("tunnel", None),))
        self.assertEqual((found.tunnel, found.keep_alive), (None, 2.0))
        self.assertIs(overlaid(base, (), ()), base)


class AllOrTests(SynchronousTestCase):
    """The word all, or a list."""

    def test_all(self) -> None:
        """The word is held as nothing; one thing of that name is still a list."""
        kind = AllOr(Several(Reference("certificates"), single=True))
        self.assertIsNone(loaded(kind, "all"))
        self.assertEqual(kind.dump(None), "all")
        for value in (["all"], ["a", "b"], [], "a"):
            found = loaded(kind, value)
            self.assertEqual(loaded(kind, kind.dump(found)), found)


class ReferenceTests(SynchronousTestCase):
    """References within objects."""

    tls = TlsConfig(certificate_id=("c1", "c2"), sni_certificate_ids=("c3",))
    listener = made(
        Listener,
        name="l",
        port=443,
        protocol="https",
        default_pool_id="p",
        tls_config=unstructure(tls),
    )

    def test_found(self) -> None:
        """Every reference is found, with its path."""
        self.assertEqual(
            sorted(references(self.listener)),
            [
                ("certificates", "c1", ("tls_config", "certificate_id", 0)),
                ("certificates", "c2", ("tls_config", "certificate_id", 1)),
                ("certificates", "c3", ("tls_config", "sni_certificate_ids", 0)),
                ("load_balancers", "default", ("loadbalancer_id",)),
                ("pools", "p", ("default_pool_id",)),
            ],
        )

    def test_changed(self) -> None:
        """Each can be replaced; what does not change stays the same object."""
        found = map_references(self.listener, lambda to, word, path: word.upper())
        assert found.tls_config is not None
        self.assertEqual(found.tls_config.certificate_id, ("C1", "C2"))
        self.assertEqual((found.default_pool_id, found.loadbalancer_id), ("P", "DEFAULT"))
        self.assertIs(map_references(self.listener, lambda to, word, path: word), self.listener)

    def test_all(self) -> None:
        """All certificates are no reference to one."""
        tls = attrs.evolve(self.tls, sni_certificate_ids=None)
        self.assertEqual([word for _, word, _ in references(tls)], ["c1", "c2"])


class SaidTests(SynchronousTestCase):
    """Documents of what objects say."""

    def test_empty(self) -> None:
        """Empty fields that are so by default are left out; to read it gives the same."""
        rule = made(L7Rule, rule_type="path", value="/a", policy_id="p")
        document = said(rule)
        self.assertEqual(
            {name: document[name] for name in ("rule_type", "value", "invert")},
            {"rule_type": "path", "value": "/a", "invert": False},
        )
        self.assertEqual({"key", "values", "rules"} & set(document), set())
        self.assertEqual(made(L7Rule, **document), rule)

    def test_secrets(self) -> None:
        """Secrets are in it."""
        certificate = Certificate(name="a", certificate="b", private_key="c")
        self.assertEqual(said(certificate)["private_key"], "c")
