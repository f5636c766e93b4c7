"""All objects of a revision: finding, resolving, checking."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import Problem
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import (
    COLLECTIONS,
    DEFAULT_LOAD_BALANCER,
    Configuration,
    addresses,
    check,
    find,
    referrers,
    resolve,
)
from fiberlb.model.fields import MOST_SUGGESTIONS
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Member, Pool
from fiberlb.model.resource import Meta, Owner, Resource
from tests.model.documents import made


def ident(number: int) -> str:
    """A UUID with a number in it."""
    return f"0a0a0a0a-0000-4000-8000-{number:012d}"


def configuration(*objects: Resource, owners: dict[str, Owner] | None = None) -> Configuration:
    """A configuration of these objects, in this order."""
    collections: dict[str, dict[str, Resource]] = {collection: {} for collection in COLLECTIONS}
    collections["load_balancers"][DEFAULT_LOAD_BALANCER.id] = DEFAULT_LOAD_BALANCER
    for each in objects:
        collections[each.COLLECTION][each.id] = each
    meta = {
        each.id: Meta((owners or {}).get(each.id, Owner.API), "", "", 1)
        for each in (DEFAULT_LOAD_BALANCER, *objects)
    }
    return Configuration(1, collections, meta)


def listener(number: int, **fields: Any) -> Listener:
    """An http listener on a port of its own."""
    given = {"name": f"l{number}", "port": 8000 + number, "protocol": "http", **fields}
    return made(Listener, id=ident(number), **given)


def pool(number: int, **fields: Any) -> Pool:
    """A pool."""
    return made(Pool, id=ident(number), **{"name": f"p{number}", **fields})


def policy(number: int, parent: str, **fields: Any) -> L7Policy:
    """A policy that rejects unless said otherwise."""
    target = fields if "redirect_pool_id" in fields else {"action": "reject", **fields}
    return made(L7Policy, id=ident(number), name=f"y{number}", listener_id=parent, **target)


def told(problems: Any) -> list[tuple[str, str]]:
    """Field and message of each problem."""
    assert all(isinstance(problem, Problem) for problem in problems)
    return [(problem.field, problem.message) for problem in problems]


def within(problems: Iterable[Problem]) -> list[tuple[str, str]]:
    """The same, the fields within their objects."""
    return [(field.split(".", 2)[2], message) for field, message in told(list(problems))]


class ConfigurationTests(SynchronousTestCase):
    """Looking things up."""

    def test_children(self) -> None:
        """Children in order of creation, policies in order of position."""
        web = listener(1)
        policies = [
            policy(2, web.id, position=20),
            policy(3, web.id, position=10),
            policy(4, web.id, position=20),
            policy(5, ident(9), position=1),
        ]
        found = configuration(web, *policies)
        self.assertEqual([p.name for p in found.children(L7Policy, web.id)], ["y2", "y3", "y4"])
        self.assertEqual([p.name for p in found.policies(web.id)], ["y3", "y2", "y4"])
        self.assertEqual(found.children(L7Rule, ident(2)), [])
        self.assertEqual(found.children(Member, "nope"), [])

    def test_empty(self) -> None:
        """Without objects there is nothing."""
        self.assertEqual(Configuration().all(Pool), {})
        self.assertEqual(Configuration().policies("x"), [])

    def test_owner(self) -> None:
        """Who made an object."""
        found = configuration(pool(1), owners={ident(1): Owner.FILE})
        self.assertIs(found.owner(ident(1)), Owner.FILE)


class FindTests(SynchronousTestCase):
    """By id or name."""

    def test_find(self) -> None:
        """One, none or several; an id in any case."""
        found = configuration(pool(1, name="a"), pool(2, name="b"), pool(3, name="b"))
        self.assertEqual(find(found, "pools", "a"), [ident(1)])
        self.assertEqual(find(found, "pools", ident(1).upper()), [ident(1)])
        self.assertEqual(find(found, "pools", "b"), [ident(2), ident(3)])
        self.assertEqual(find(found, "pools", "c"), [])
        self.assertEqual(find(found, "pools", ident(9)), [])
        self.assertEqual(find(found, "listeners", "a"), [])

    def test_prefer(self) -> None:
        """Of several the preferred owner's; one alone is found whoever made it."""
        owners = {ident(2): Owner.FILE}
        found = configuration(
            pool(1, name="a"), pool(2, name="a"), pool(3, name="c"), owners=owners
        )
        self.assertEqual(find(found, "pools", "a", Owner.FILE), [ident(2)])
        self.assertEqual(find(found, "pools", "a", Owner.APPLY), [ident(1), ident(2)])
        self.assertEqual(find(found, "pools", "c", Owner.FILE), [ident(3)])


class ResolveTests(SynchronousTestCase):
    """References to ids."""

    def test_resolved(self) -> None:
        """Names become ids, ids stay."""
        web = listener(1, default_pool_id="a")
        found, problems = resolve(
            configuration(pool(2, name="a"), web, policy(3, "l1", redirect_pool_id=ident(2)))
        )
        self.assertEqual(problems, [])
        self.assertEqual(found.all(Listener)[ident(1)].default_pool_id, ident(2))
        self.assertEqual(found.all(Listener)[ident(1)].loadbalancer_id, DEFAULT_LOAD_BALANCER.id)
        self.assertEqual(found.all(L7Policy)[ident(3)].listener_id, ident(1))

    def test_unresolved(self) -> None:
        """What names nothing, or several, is told with a guess."""
        found, problems = resolve(
            configuration(
                pool(1, name="blue"),
                pool(2, name="green"),
                pool(3, name="green"),
                listener(4, default_pool_id="bleu"),
                listener(5, default_pool_id="green"),
                listener(6, loadbalancer_id="x"),
                policy(7, "zz"),
            )
        )
        self.assertEqual(
            [
                (p.field.replace(ident(0)[:-1], ""), p.message, p.suggestion, p.code)
                for p in problems
            ],
            [
                ("listeners.4.default_pool_id", "there is no pool 'bleu'", "blue", "unresolved"),
                (
                    "listeners.5.default_pool_id",
                    "2 pools are named 'green'; use an id",
                    None,
                    "ambiguous",
                ),
                (
                    "listeners.6.loadbalancer_id",
                    "there is no load_balancer 'x'",
                    None,
                    "unresolved",
                ),
                ("l7_policies.7.listener_id", "there is no listener 'zz'", None, "unresolved"),
            ],
        )
        self.assertEqual(found.all(Listener)[ident(4)].default_pool_id, "bleu")

    def test_many(self) -> None:
        """Only the first of very many mistakes get a guess: it takes time."""
        wrong = [listener(n, default_pool_id="pol") for n in range(2, MOST_SUGGESTIONS + 5)]
        _, problems = resolve(configuration(pool(1, name="pool"), *wrong))
        self.assertEqual(len(problems), len(wrong))
        self.assertEqual([p.suggestion for p in problems].count("pool"), MOST_SUGGESTIONS)

    def test_file_first(self) -> None:
        """A file's references go to the file's objects, others' to any, if it is one."""
        owners = {ident(2): Owner.FILE, ident(3): Owner.FILE}
        found, problems = resolve(
            configuration(
                pool(1, name="a"),
                pool(2, name="a"),
                listener(3, default_pool_id="a"),
                listener(4, default_pool_id="a"),
                owners=owners,
            )
        )
        self.assertEqual(found.all(Listener)[ident(3)].default_pool_id, ident(2))
        self.assertEqual([p.path[1] for p in problems], [ident(4)])


class ReferrerTests(SynchronousTestCase):
    """Who refers to an object."""

    def test_referrers(self) -> None:
        """Objects that are no children, each once."""
        web = listener(1, default_pool_id=ident(2))
        member = made(Member, id=ident(5), pool_id=ident(2), address="10.0.0.1", port=1)
        found = configuration(
            pool(2), web, member, policy(3, web.id, redirect_pool_id=ident(2)), policy(4, web.id)
        )
        self.assertEqual(
            referrers(found, ident(2)), [("listeners", ident(1)), ("l7_policies", ident(3))]
        )
        self.assertEqual(referrers(found, web.id), [])
        self.assertEqual(referrers(found, "nope"), [])


class CheckTests(SynchronousTestCase):
    """What is wrong between objects."""

    def check(self, *objects: Resource) -> list[tuple[str, str]]:
        """Problems of a configuration, all of whose references resolve."""
        resolved, problems = resolve(configuration(*objects))
        assert problems == [], problems
        return [
            (f.split(".", 1)[0] + "." + f.split(".", 2)[2], m)
            for f, m in told(list(check(resolved)))
        ]

    def test_pools_of_splits(self) -> None:
        """Every pool that is named must fit, once each; its cookie must not be the split's."""
        kept = {"type": "cookie", "cookie_name": "side"}
        unfit = "pool 'p12' is tcp, http listeners need http or https"
        pools = [pool(11), pool(12, protocol="tcp"), pool(13, session_persistence=kept)]
        web = listener(
            1,
            default_pools=[{"pool_id": one.id} for one in pools],
            split_persistence={"cookie_name": "side"},
        )
        split = made(
            L7Policy,
            id=ident(2),
            name="y",
            listener_id=web.id,
            redirect_pools=[{"pool_id": pools[0].id}],
            failover_pool_id=pools[1].id,
        )
        found = configuration(web, split, *pools)
        self.assertEqual(
            within(check(found)),
            [
                ("default_pools[1].pool_id", unfit),
                (
                    "split_persistence.cookie_name",
                    "is the name of the cookie of pool 'p13', too",
                ),
                ("failover_pool_id", unfit),
            ],
        )
        self.assertEqual(
            referrers(found, pools[1].id), [("listeners", web.id), ("l7_policies", split.id)]
        )

    def test_named_twice(self) -> None:
        """By its name and by its id a pool is the same."""
        one = pool(11)
        web = listener(1, default_pools=[{"pool_id": one.id}, {"pool_id": one.name}])
        resolved, problems = resolve(configuration(web, one))
        self.assertEqual(problems, [])
        self.assertEqual(
            within(check(resolved)),
            [("default_pools[1].pool_id", "pool 'p11' is named twice; add the weights up")],
        )

    def test_passing_rules(self) -> None:
        """Rules within rules, too, must not need HTTP where TLS is passed through; nor cookies."""
        web = listener(1, protocol="https", default_pool_id=None)
        tcp = pool(11, protocol="tcp")
        split = made(
            L7Policy,
            id=ident(2),
            name="y",
            listener_id=web.id,
            redirect_pools=[{"pool_id": tcp.id}],
            split_persistence={},
        )
        rule = made(
            L7Rule,
            id=ident(3),
            policy_id=split.id,
            any=[{"ssl_conn_sni": "a"}, {"not": {"all": [{"source_ip": "::1"}, {"path": "/"}]}}],
        )
        found = [
            (field, message[:16])
            for field, message in within(check(configuration(web, split, rule, tcp)))
        ]
        self.assertEqual(
            found,
            [
                ("split_persistence", "is a cookie, and"),
                ("rules[1].rules[0].rules[1].rule_type", "path rules need "),
            ],
        )

    def test_addresses(self) -> None:
        """A listener's own addresses, else its load balancer's."""
        web = listener(1, address="127.0.0.1")
        found, _ = resolve(configuration(web, listener(2)))
        self.assertEqual(addresses(found, web), ("127.0.0.1",))
        self.assertEqual(addresses(found, found.all(Listener)[ident(2)]), ("::",))

    def test_taken(self) -> None:
        """Two listeners cannot have one address and port; other addresses are free."""
        found = self.check(
            listener(1, port=80), listener(2, port=80), listener(3, port=80, address="127.0.0.1")
        )
        self.assertEqual(found, [("listeners.port", "port 80 of :: is taken by listener 'l1'")])

    def test_protocols(self) -> None:
        """A pool has to speak what the listener does."""
        found = self.check(
            pool(1, protocol="tcp"),
            pool(2),
            listener(3, default_pool_id="p1"),
            listener(4, default_pool_id="p2", protocol="tcp"),
            policy(5, "l3", redirect_pool_id="p1"),
        )
        self.assertEqual(
            found,
            [
                (
                    "listeners.default_pool_id",
                    "pool 'p1' is tcp, http listeners need http or https",
                ),
                ("listeners.default_pool_id", "pool 'p2' is http, tcp listeners need tcp"),
                (
                    "l7_policies.redirect_pool_id",
                    "pool 'p1' is tcp, http listeners need http or https",
                ),
            ],
        )

    def test_datagrams(self) -> None:
        """udp goes with udp only, knows no policies, and shares its port with tcp."""
        found = self.check(
            pool(1, protocol="udp"),
            pool(2, protocol="tcp"),
            listener(3, default_pool_id="p1", protocol="udp", port=53),
            listener(4, default_pool_id="p2", protocol="tcp", port=53),
            listener(5, default_pool_id="p2", protocol="udp", port=54),
            listener(6, default_pool_id="p1", protocol="tcp", port=55),
            listener(7, default_pool_id="p1"),
            listener(8, protocol="udp", port=53),
            policy(9, "l3"),
            made(Member, id=ident(10), pool_id=ident(1), address="unix:/s", max_connections=5),
        )
        self.assertEqual(
            found,
            [
                ("members.address", "unix:/s takes connections; udp pools need IP addresses"),
                ("members.max_connections", "does not go with udp pools"),
                ("listeners.default_pool_id", "pool 'p2' is tcp, udp listeners need udp"),
                ("listeners.default_pool_id", "pool 'p1' is udp, tcp listeners need tcp"),
                (
                    "listeners.default_pool_id",
                    "pool 'p1' is udp, http listeners need http or https",
                ),
                ("listeners.port", "port 53 of :: is taken by listener 'l3'"),
                ("l7_policies.listener_id", "listener 'l3' is udp, policies need http"),
            ],
        )

    def test_policies(self) -> None:
        """Policies are for listeners that understand requests."""
        found = self.check(listener(1, protocol="tcp"), policy(2, "l1"))
        self.assertEqual(
            found, [("l7_policies.listener_id", "listener 'l1' is tcp, policies need http")]
        )

    def test_passing(self) -> None:
        """What needs HTTP is refused where TLS is passed through, with the way out."""
        passing = listener(1, protocol="https", default_pool_id=ident(11))
        rules = [
            made(L7Rule, id=ident(60 + n), policy_id=ident(50), **{kind: value})
            for n, (kind, value) in enumerate(
                (("path", "/"), ("ssl_conn_sni", "a"), ("ssl_alpn", "h2"), ("source_ip", "::1"))
            )
        ]
        found = check(
            configuration(
                pool(10, protocol="tcp"),
                pool(11),
                passing,
                policy(50, passing.id, redirect_pool_id=ident(10)),
                policy(51, passing.id, action="redirect_to_url", redirect_url="/x"),
                policy(52, passing.id, redirect_http_status_code=404),
                policy(53, passing.id),
                *rules,
            )
        )
        told = {problem.path[2]: problem for problem in found}
        self.assertEqual(
            set(told), {"default_pool_id", "action", "redirect_http_status_code", "rule_type"}
        )
        self.assertEqual(told["rule_type"].path[1], ident(60))
        for problem in told.values():
            self.assertIn("add tls_config", problem.message)

    def test_certificates(self) -> None:
        """A certificate for names alone is nobody's default."""
        certificate = made(Certificate, id=ident(1), name="c", certificate="PEM", cert_type="sni")
        secure = listener(
            2, protocol="https", tls_config={"certificate_id": "c", "sni_certificate_ids": ["c"]}
        )
        self.assertEqual(
            self.check(certificate, secure),
            [
                (
                    "listeners.tls_config.certificate_id[0]",
                    "certificate 'c' is of type sni, never the default",
                )
            ],
        )

    def test_certificate_types(self) -> None:
        """A listener shows what is for listeners."""
        client = made(Certificate, id=ident(1), name="c", certificate="PEM", cert_type="client")
        judge = made(Certificate, id=ident(3), name="j", certificate="PEM", cert_type="client_ca")
        secure = listener(
            2, protocol="https", tls_config={"certificate_id": "c", "sni_certificate_ids": ["j"]}
        )
        of = "listeners.tls_config"
        self.assertEqual(
            self.check(client, judge, secure),
            [
                (
                    f"{of}.certificate_id[0]",
                    "certificate 'c' is of type client, server or sni is needed",
                ),
                (
                    f"{of}.sni_certificate_ids[0]",
                    "certificate 'j' is of type client_ca, server or sni is needed",
                ),
            ],
        )

    def test_unresolved(self) -> None:
        """References that lead nowhere are told once, by the resolution."""
        resolved, problems = resolve(
            configuration(
                listener(1, default_pool_id="x", loadbalancer_id="y"),
                policy(2, "z", redirect_pool_id="x"),
                listener(3, protocol="https", tls_config={"certificate_id": "c"}),
            )
        )
        self.assertEqual(len(problems), 5)
        self.assertEqual(list(check(resolved)), [])
