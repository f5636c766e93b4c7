"""What a change did to an object."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.differences import Difference, differences, names
from fiberlb.control.past import Version
from fiberlb.control.records import Record
from fiberlb.model.certificate import Certificate
from fiberlb.model.listener import Listener, ListenerProtocol
from fiberlb.model.pool import Pool
from fiberlb.model.resource import Meta, Owner, Resource

META = Meta(Owner.API, "then", "then", 1)


def record(made: Resource, owner: Owner = Owner.API) -> Record:
    """A record of an object."""
    return Record(made, attrs.evolve(META, managed_by=owner), (1, 0))


A = Pool(id="a", name="A")
C = Certificate(id="c", name="C", certificate="PEM", private_key="old")


class DifferenceTests(SynchronousTestCase):
    """Fields before and after."""

    def test_update(self) -> None:
        """Only what differs, within nested values by their path."""
        after = attrs.evolve(A, description="x", drain=attrs.evolve(A.drain, deadline=7.0))
        self.assertEqual(
            differences(Version(record(A), record(after))),
            [Difference("description", "", "x"), Difference("drain.deadline", "5m", "7s")],
        )

    def test_came_and_went(self) -> None:
        """What is not as it is by default."""
        after = attrs.evolve(A, description="x")
        came = differences(Version(None, record(after)))
        self.assertEqual(came, [Difference("name", "", "A"), Difference("description", "", "x")])
        went = differences(Version(record(after), None))
        self.assertEqual(went, [Difference("name", "A", ""), Difference("description", "x", "")])

    def test_needed(self) -> None:
        """A field without a default was nothing before."""
        made = Listener(id="l", name="l", protocol=ListenerProtocol.HTTP, port=80)
        found = differences(Version(None, record(made)))
        self.assertIn(Difference("protocol", None, "http"), found)

    def test_secret(self) -> None:
        """That a key is another one, and no key."""
        found = differences(Version(record(C), record(attrs.evolve(C, private_key="new"))))
        self.assertEqual(found, [Difference("private_key", None, None, True)])
        self.assertNotIn("old", str(differences(Version(record(C), None))))

    def test_owner(self) -> None:
        """Whose it is."""
        found = differences(Version(record(A), record(A, Owner.APPLY)))
        self.assertEqual(found, [Difference("managed_by", "api", "apply")])


class NameTests(SynchronousTestCase):
    """What ids stand for."""

    def test_names(self) -> None:
        """Those that are referred to, of what there is and what there was."""
        one = Listener(
            id="l", name="l", protocol=ListenerProtocol.HTTP, port=80, default_pool_id="a"
        )
        two = attrs.evolve(one, default_pool_id="b")
        several = [Version(record(one), record(two)), Version(record(A), None)]
        other, idle = Pool(id="b", name="B"), Pool(id="x", name="X")
        self.assertEqual(names(several, [{"b": other}, {"x": idle}]), {"a": "A", "b": "B"})
