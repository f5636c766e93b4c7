"""Tests of L{fiberlb.workers.bases}."""

from __future__ import annotations

import time
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.bounds import Limits
from fiberlb.model.certificate import Certificate, CertificateType
from fiberlb.model.configuration import DEFAULT_LOAD_BALANCER, Configuration
from fiberlb.model.listener import Listener, ListenerProtocol, TlsConfig
from fiberlb.snapshot import ClientPlan, Snapshot, compile_now
from fiberlb.workers.bases import NONE, Bases

_CERTIFICATE = Certificate(id="c", name="c", certificate="", private_key="")


def snapshot(**listeners: tuple[str, ...] | None) -> Snapshot:
    """Listeners by id, with these cipher suites, or without TLS."""
    made = {}
    for port, (ident, suites) in enumerate(listeners.items(), 1):
        tls = None if suites is None else TlsConfig(certificate_id=("c",), cipher_suites=suites)
        made[ident] = Listener(
            id=ident,
            name=ident,
            loadbalancer_id=DEFAULT_LOAD_BALANCER.id,
            port=port,
            protocol=ListenerProtocol.HTTP if tls is None else ListenerProtocol.TERMINATED_HTTPS,
            tls_config=tls,
        )
    objects: dict[str, dict[str, Any]] = {
        "load_balancers": {DEFAULT_LOAD_BALANCER.id: DEFAULT_LOAD_BALANCER},
        "certificates": {"c": _CERTIFICATE},
        "listeners": made,
    }
    configuration = Configuration(objects=objects)
    return compile_now(configuration, limits=Limits(), clock=time.monotonic, report=lambda *_: None)


class BasesTests(SynchronousTestCase):
    """One base context for each listener with TLS."""

    def test_kept(self) -> None:
        """A listener keeps its own through changes of others; one without TLS has none."""
        bases = Bases()
        first = bases.assign(snapshot(a=(), b=(), plain=None))
        self.assertEqual(first, {"a": 0, "b": 1})
        self.assertEqual(bases.assign(snapshot(c=(), a=())), {"c": 2, "a": 0})

    def test_never_again(self) -> None:
        """None is given twice: not after a change of suites and back, not to a new listener."""
        bases = Bases()
        suites = ("TLS_AES_128_GCM_SHA256",)
        found = [bases.assign(snapshot(a=s)).get("a") for s in ((), suites, suites, (), None, ())]
        self.assertEqual(found, [0, 1, 1, 2, None, 3])

    def test_spent(self) -> None:
        """When all are given out, the next ones are each worker's own."""
        bases = Bases(1)
        self.assertEqual(bases.assign(snapshot(a=(), b=())), {"a": 0, "b": NONE})

    def test_renewed(self) -> None:
        """Another template has all contexts afresh; who has a number keeps it."""
        bases = Bases(3)
        suites = ("TLS_AES_128_GCM_SHA256",)
        bases.assign(snapshot(a=(), b=()))
        bases.assign(snapshot(a=(), b=suites))
        self.assertFalse(bases.spent)
        self.assertEqual(bases.assign(snapshot(a=(), b=(), c=())), {"a": 0, "b": NONE, "c": NONE})
        self.assertTrue(bases.spent)
        bases.renew()
        self.assertEqual(bases.assign(snapshot(a=(), b=(), c=())), {"a": 0, "b": 1, "c": 2})
        self.assertFalse(bases.spent)

    def test_asked(self) -> None:
        """What is asked of clients is part of what a session brings back."""
        made = snapshot(a=())
        bases = Bases()
        self.assertEqual(bases.assign(made), {"a": 0})
        plan = made.listeners["a"]
        assert plan.tls is not None
        judge = attrs.evolve(_CERTIFICATE, cert_type=CertificateType.CLIENT_CA)
        found = []
        for client in (
            ClientPlan(judge, False, ()),
            ClientPlan(judge, True, ()),
            ClientPlan(judge, True, ("x",)),
            ClientPlan(attrs.evolve(judge, certificate="other"), True, ("x",)),
            ClientPlan(attrs.evolve(judge, certificate="other", crl="x"), True, ("x",)),
        ):
            asks = attrs.evolve(plan, tls=attrs.evolve(plan.tls, client=client))
            found.append(bases.assign(attrs.evolve(made, listeners={"a": asks}))["a"])
        self.assertEqual(found, [1, 2, 3, 4, 4])
