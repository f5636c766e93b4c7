"""What is in force, and what may take its place."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.force import Everything, Force
from fiberlb.control.publish import Publisher
from fiberlb.control.state import State
from fiberlb.errors import ConfigurationError
from tests.control.stage import Stage

FILE = """\
limits: {header_count: 7}
load_balancers:
- {name: default}
pools:
- {name: app}
"""


class ForceTests(SynchronousTestCase):
    """The rules between both layers."""

    def test_everything(self) -> None:
        """It contains whatever is looked for."""
        self.assertIn("anything", Everything())

    def test_not_started(self) -> None:
        """Before the start nothing is in force."""
        stage = Stage(self, start=False)
        around = stage.surroundings(lambda: "")
        force = Force(Publisher(stage.plane, stage.health, around), lambda: "now")
        self.assertFalse(force.started)
        with self.assertRaises(AssertionError):
            _ = force.state

    def test_limits(self) -> None:
        """The file's limits are below those of every listener, also after a reload."""
        stage = Stage(self, FILE + "listeners: [{name: l, port: 80, protocol: http}]\n")
        listener = stage.find("listeners", "l").id

        def count() -> int:
            assert stage.plane.snapshot is not None
            return stage.plane.snapshot.listeners[listener].limits.header_count

        self.assertEqual(count(), 7)
        stage.reload("listeners: [{name: l, port: 80, protocol: http}]\n")
        self.assertEqual(count(), 128)

    def test_default_load_balancer_leaves(self) -> None:
        """A file may lose its load balancer of the name default: there is always one."""
        stage = Stage(self, FILE)
        stage.create("listeners", {"name": "l", "port": 80, "protocol": "tcp"})
        stage.reload("")
        self.assertEqual(stage.find("load_balancers", "default").vip_address, "::")

    def test_stored_then_in_file(self) -> None:
        """The default load balancer of the store and of a file are the same one: not both."""
        stage = Stage(self)
        stage.create("load_balancers", {"name": "default", "vip_address": "::1"})
        why = self.failureResultOf(stage.control.reload(stage.file(FILE)), ConfigurationError).value
        self.assertIn("is stored already", str(why))

    def test_problem_of_stored_object(self) -> None:
        """What is wrong with a stored object because of the file names that object."""
        stage = Stage(self, FILE)
        listener = {"name": "l", "port": 80, "protocol": "http", "default_pool_id": "app"}
        stage.create("listeners", listener)
        changed = FILE.replace("{name: app}", "{name: app, protocol: tcp}")
        why = self.failureResultOf(
            stage.control.reload(stage.file(changed)), ConfigurationError
        ).value
        self.assertEqual(
            str(why),
            "'l' of listeners, default_pool_id: pool 'app' is tcp,"
            " http listeners need http or https",
        )

    def test_state(self) -> None:
        """The state says where it came from."""
        stage = Stage(self, FILE)
        state = stage.control.state
        self.assertIsInstance(state, State)
        self.assertEqual((state.generation, state.since), (1, "2027-01-15T08:00:00Z"))
