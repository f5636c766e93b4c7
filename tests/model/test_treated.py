"""What listeners, pools and policies have in common."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.configuration import COLLECTIONS, Configuration
from fiberlb.model.consistency import check
from fiberlb.model.convert import kinds, structure, unstructure
from fiberlb.model.fields import Loading
from fiberlb.model.l7 import L7Policy, PolicyAction
from fiberlb.model.listener import Listener, ListenerProtocol
from fiberlb.model.pool import Pool
from fiberlb.model.treated import TREATMENTS, Treated
from tests.support.treated import loaded

EDIT = {"set": {"X-A": "1"}}


class TreatedTests(SynchronousTestCase):
    """The keys."""

    def told(self, cls: type, **document: Any) -> list[str]:
        """What is wrong with an object."""
        loading = Loading()
        structure(cls, document, (), loading)
        return [f"{problem.field}: {problem.message}" for problem in loading.problems]

    def test_order(self) -> None:
        """Documents have an object's own fields first."""
        for cls in (Listener, Pool, L7Policy):
            self.assertEqual(tuple(kinds(cls))[-len(TREATMENTS) :], TREATMENTS)
            self.assertEqual(next(iter(kinds(cls))), "id")

    def test_round_trip(self) -> None:
        """What was read is written, and read again."""
        made = Pool(name="p", **loaded(request_headers=EDIT))
        document = unstructure(made)
        self.assertEqual(
            document["request_headers"], {"set": {"X-A": "1"}, "add": {}, "remove": []}
        )
        self.assertIsNone(document["response_headers"])
        self.assertEqual(structure(Pool, document, (), Loading()), made)

    def test_later(self) -> None:
        """What is not done yet is refused, by each of the three."""
        for cls in (Listener, Pool, L7Policy):
            self.assertLessEqual(Treated.LATER, getattr(cls, "LATER", frozenset()))
            self.assertFalse(Treated.LATER & set(TREATMENTS))

    def test_needs_http(self) -> None:
        """What does not read requests does not change them."""
        for protocol in ("tcp", "udp", "https"):
            given = {"port": 1, "protocol": protocol, "response_headers": EDIT}
            (told,) = self.told(Listener, **given)
            self.assertIn("response_headers: needs HTTP", told)
        for protocol in ("tcp", "udp"):
            (told,) = self.told(Pool, protocol=protocol, request_headers=EDIT)
            self.assertEqual(told, f"request_headers: needs HTTP, not {protocol}")

    def test_passing(self) -> None:
        """Nor does a policy of a listener that passes TLS through."""
        objects: dict[str, Any] = {name: {} for name in COLLECTIONS}
        objects["listeners"]["l"] = Listener(
            id="l", loadbalancer_id="x", port=1, protocol=ListenerProtocol.HTTPS
        )
        objects["l7_policies"]["p"] = L7Policy(
            id="p", listener_id="l", action=PolicyAction.REJECT, **loaded(request_headers=EDIT)
        )
        (problem,) = check(Configuration(objects=objects))
        self.assertEqual(problem.path, ("l7_policies", "p", "request_headers"))
