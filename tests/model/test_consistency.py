"""Objects that are right by themselves, and wrong together."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import referrers, resolve
from fiberlb.model.consistency import check
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.pool import Member
from fiberlb.model.resource import Resource
from tests.model.documents import made
from tests.model.objects import configuration, ident, listener, policy, pool, told, within


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
