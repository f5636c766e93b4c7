"""Tests of fiberlb.control.cautions, and who tells them."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.cautions import cautions, sentences
from fiberlb.control.upkeep import Upkeep
from fiberlb.model.configuration import Configuration
from fiberlb.model.hash_on import HashOn
from fiberlb.model.l7 import L7Policy, PolicyAction
from fiberlb.model.listener import Listener, ListenerProtocol
from fiberlb.model.rate_limit import ADDRESS, Rate, RateLimit
from tests.control.stage import Stage, create, delete

TEXT = """\
{trusted}
listeners:
- {{name: front, port: 80, protocol: http, accept_proxy_protocol: true}}
"""


class CautionTests(SynchronousTestCase):
    """PROXY headers that nobody may send."""

    def test_found(self) -> None:
        """The listener and the field; nothing where somebody is trusted, or nothing is awaited."""

        def found(trusted: tuple[str, ...], **fields: bool) -> list[object]:
            made = Listener(id="l", name="l", port=80, protocol=ListenerProtocol.TCP, **fields)  # type: ignore[arg-type]
            objects = {"listeners": {"l": made}}
            return [p.path for p in cautions(Configuration(objects=objects), trusted)]

        path = ("listeners", "l", "accept_proxy_protocol")
        self.assertEqual(found((), accept_proxy_protocol=True), [path])
        self.assertEqual(found(("10.0.0.0/8",), accept_proxy_protocol=True), [])
        self.assertEqual(found((), accept_proxy_protocol=True, enabled=False), [])
        self.assertEqual(found(()), [])

    def test_limits(self) -> None:
        """Limits that count by what is not read, or count nothing."""
        listener = Listener(
            id="l", name="l", loadbalancer_id="b", port=80, protocol=ListenerProtocol.HTTPS
        )

        def found(action: PolicyAction, key: HashOn, rate: Rate | None = None) -> list[str]:
            limit = RateLimit(key=key, rate=rate)
            policy = L7Policy(id="p", name="p", listener_id="l", action=action, rate_limit=limit)
            objects: Any = {"listeners": {"l": listener}, "l7_policies": {"p": policy}}
            return list(sentences(Configuration(objects=objects), ()))

        path, some = HashOn("path"), Rate(1)
        (said,) = found(PolicyAction.REDIRECT_TO_POOL, path, some)
        self.assertIn("policy p: rate_limit.key: the listener reads no requests", said)
        (said,) = found(PolicyAction.REJECT, ADDRESS, some)
        self.assertIn("policy p: rate_limit: does nothing", said)
        self.assertEqual(found(PolicyAction.REDIRECT_TO_POOL, ADDRESS, some), [])
        self.assertEqual(found(PolicyAction.REDIRECT_TO_POOL, path), [])

    def test_told(self) -> None:
        """In the log, once, at the start and after changes; in the status as long as it is so."""
        stage = Stage(self, TEXT.format(trusted=""))
        self.addCleanup(lambda: stage.result(Deferred.fromCoroutine(stage.control.stop())))
        with capturedLogs() as caught:
            Upkeep(stage.control, stage.clock).start()
        (said,) = stage.control.problems
        self.assertEqual([event["sentence"] for event in caught], [said[0].upper() + said[1:]])
        self.assertIn("listener front: accept_proxy_protocol: trusted_proxies is empty", said)
        other = {"name": "x", "port": 81, "protocol": "http", "accept_proxy_protocol": True}
        with capturedLogs() as caught:
            stage.write(create("listeners", other))
        self.assertEqual(len([event for event in caught if "sentence" in event]), 1)
        stage.write(delete("listeners", "x"))
        stage.reload(TEXT.format(trusted="trusted_proxies: [10.0.0.0/8]"))
        self.assertEqual(stage.control.problems, ())
