"""Two layers as one."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.layer import StoreLayer, altered
from fiberlb.control.records import Record
from fiberlb.control.union import clashes, default_settled, monitor_id, union, with_monitor_ids
from fiberlb.control.validate import with_default
from fiberlb.errors import ConfigurationError
from fiberlb.model.configuration import DEFAULT_LOAD_BALANCER
from fiberlb.model.listener import Listener, ListenerProtocol
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.pool import Member, Pool
from fiberlb.model.resource import Meta, Owner, Resource
from tests.control.loading import load
from tests.control.stage import Stage

META = Meta(Owner.API, "then", "then", 1)


def layer(*objects: Resource) -> StoreLayer:
    """A store layer of these objects."""
    records = [Record(made, META, (1, index)) for index, made in enumerate(objects)]
    return attrs.evolve(StoreLayer(revision=1), records=altered(StoreLayer().records, records, ()))


class UnionTests(SynchronousTestCase):
    """File and store."""

    def test_order(self) -> None:
        """The file's objects come first; everyone keeps their owner."""
        file = load(self, "pools: [{name: f}]")
        both = union(file, layer(Pool(id="a", name="s")))
        self.assertEqual([made.name for made in both.all(Pool).values()], ["f", "s"])
        self.assertEqual([both.owner(i) for i in both.all(Pool)], [Owner.FILE, Owner.API])
        self.assertEqual(both.revision, 1)

    def test_same_id(self) -> None:
        """An id of both is a problem; the file's object stands for it."""
        ident = "00000000-0000-4000-8000-000000000001"
        file = load(self, f"pools: [{{name: f, id: {ident}}}]")
        stored = layer(Pool(id=ident, name="s"))
        self.assertEqual([p.path for p in clashes(file, stored)], [("pools", ident)])
        self.assertEqual([p.name for p in union(file, stored).all(Pool).values()], ["f"])

    def test_list(self) -> None:
        """A list that the file gives has no stored members; one that it does not give may."""
        file = load(self, "pools: [{name: f, members: []}, {name: g}]")
        f, g = file.configuration.all(Pool)
        member = Member(id="m", name="m", address="::1", port=1, pool_id=f)
        self.assertEqual([p.path for p in clashes(file, layer(member))], [("pools", f)])
        self.assertEqual(list(clashes(file, layer(attrs.evolve(member, pool_id=g)))), [])

    def test_start(self) -> None:
        """A node whose file and store clash does not start, and says where in the file."""
        ident = "00000000-0000-4000-8000-000000000001"
        stage = Stage(self)
        stage.create("pools", {"id": ident, "name": "s"})
        again = Stage(self, store=stage.store, clock=stage.clock, start=False)
        starting = again.control.start(again.file(f"pools:\n- {{name: f, id: {ident}}}"))
        [problem] = self.failureResultOf(starting, ConfigurationError).value.problems
        self.assertIn("is stored already", problem.message)
        self.assertEqual(problem.position.line, 2)

    def test_monitor_ids(self) -> None:
        """The health monitors of a file get ids that stay the same."""
        file = with_monitor_ids(load(self, "pools: [{name: f, health_monitor: {}}, {name: g}]"))
        f, g = file.configuration.all(Pool).values()
        assert f.health_monitor is not None
        self.assertEqual(f.health_monitor.id, monitor_id(f.id))
        self.assertIsNone(g.health_monitor)


class DefaultTests(SynchronousTestCase):
    """The load balancer that is there by itself."""

    def settled(self, *objects: Resource) -> list[str]:
        """Names of the load balancers in the end."""
        file = load(self, "")
        both = with_default(union(file, layer(*objects)))
        done = default_settled(both, file, "now")
        for ident in done.all(LoadBalancer):
            self.assertTrue(done.meta[ident].created_at)
        return [made.name for made in done.all(LoadBalancer).values()]

    def test_needed(self) -> None:
        """It is there when there is no other, or a listener uses it; else it is not."""
        other = LoadBalancer(id="b", name="main")
        listener = Listener(
            id="l", port=1, protocol=ListenerProtocol.TCP, loadbalancer_id=DEFAULT_LOAD_BALANCER.id
        )
        self.assertEqual(self.settled(), ["default"])
        self.assertEqual(self.settled(other), ["main"])
        self.assertEqual(self.settled(other, listener), ["main", "default"])
        self.assertEqual(self.settled(LoadBalancer(id="c", name="default")), ["default"])
