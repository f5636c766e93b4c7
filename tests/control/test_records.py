"""Objects as documents of the store."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.records import Record, Unreadable, decode, encode, object_key
from fiberlb.model.certificate import Certificate
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.l7 import L7Policy, L7Rule, PolicyAction, RuleType
from fiberlb.model.listener import Listener, ListenerProtocol, TlsConfig
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.pool import Member, Pool
from fiberlb.model.resource import Meta, Owner, Resource
from tests.control.stage import keyring

META = Meta(Owner.API, "2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z", 7)


def uid(number: int) -> str:
    """A UUID."""
    return f"00000000-0000-4000-8000-{number:012x}"


OBJECTS: tuple[Resource, ...] = (
    LoadBalancer(id=uid(1), name="b", vip_address="::1", additional_vips=("127.0.0.1",)),
    Certificate(id=uid(2), name="c", certificate="pem", private_key="key", passphrase="secret"),
    Certificate(id=uid(3), name="c", certificate="pem"),
    Pool(id=uid(4), name="p", health_monitor=HealthMonitor(id="", headers=(("a", "b"),))),
    Member(id=uid(5), name="m", address="::1", port=1, pool_id=uid(4), tags=("x", "y")),
    Listener(
        id=uid(6),
        name="l",
        port=443,
        protocol=ListenerProtocol.HTTPS,
        tls_config=TlsConfig(certificate_id=(uid(2), uid(3)), sni_certificate_ids=None),
        timeouts=(("tunnel", None),),
        limits=(("body", 1024),),
        insert_headers=(("X-Forwarded-For", False),),
        https_redirect=0,
    ),
    L7Policy(id=uid(7), listener_id=uid(6), position=5, action=PolicyAction.REJECT),
    L7Rule(id=uid(8), policy_id=uid(7), rule_type=RuleType.PATH, values=("/a", "/b"), invert=True),
)


class RoundTripTests(SynchronousTestCase):
    """Written and read again."""

    def test_every_kind(self) -> None:
        """An object of every collection comes back as it was, with what is known of it."""
        for made in OBJECTS:
            record = Record(made, META, (3, 1))
            value = encode(record, keyring())
            self.assertEqual(decode(self.key(made), value, keyring()), record)

    def key(self, made: Resource) -> bytes:
        """The key of an object."""
        return object_key(made.COLLECTION, made.id)

    def test_sealed(self) -> None:
        """Secrets do not stand in the document, and open for their own field only."""
        value = encode(Record(OBJECTS[1], META, (1, 0)), keyring())
        for word in (b'"key"', b"secret"):
            self.assertNotIn(word, value)
        document = json.loads(value)
        spec = document["spec"]
        spec["private_key"], spec["passphrase"] = spec["passphrase"], spec["private_key"]
        self.refused(self.key(OBJECTS[1]), document)

    def refused(self, key: bytes, document: Any, number: int = 1) -> str:
        """Why a document is not understood."""
        value = document if isinstance(document, bytes) else json.dumps(document).encode()
        with self.assertRaises(Unreadable) as caught:
            decode(key, value, keyring(number))
        return str(caught.exception)

    def test_wrong_key(self) -> None:
        """Another key does not open it; the message names the object, not the secret."""
        value = encode(Record(OBJECTS[1], META, (1, 0)), keyring())
        message = self.refused(self.key(OBJECTS[1]), value, 2)
        self.assertIn(f"objects/certificates/{uid(2)}", message)
        self.assertIn("is not among the keys", message)

    def test_damaged(self) -> None:
        """Whatever is wrong with a document is told as such."""
        good = json.loads(encode(Record(OBJECTS[3], META, (1, 0)), keyring()))
        key = self.key(OBJECTS[3])
        self.refused(key, b"{")
        self.refused(key, [])
        self.refused(key, {**good, "managed_by": "nobody"})
        self.refused(key, {**good, "order": 1})
        self.refused(b"objects/nothing/x", good)
        self.refused(b"objects/pools", good)
        self.assertIn("protocol", self.refused(key, {**good, "spec": {"protocol": "x"}}))

    def test_newer(self) -> None:
        """A field of a newer version is not dropped silently."""
        good = json.loads(encode(Record(OBJECTS[3], META, (1, 0)), keyring()))
        good["spec"]["colour"] = "red"
        self.assertIn("unknown key 'colour'", self.refused(self.key(OBJECTS[3]), good))
