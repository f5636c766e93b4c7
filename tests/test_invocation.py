"""Tests of L{fiberlb.invocation}."""

from __future__ import annotations

from twisted.scripts._twistd_unix import ServerOptions
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.invocation import Invocation, NotKnown
from fiberlb.tap import Options


def invocation(given: str, lead: str = "python -P /bin/twistd", at: str = "/d") -> Invocation:
    """What is made of a command line."""
    words = given.split()
    return Invocation.read(
        [*lead.split(), *words], ["/bin/twistd", *words], ServerOptions(), Options(), at
    )


class InvocationTests(SynchronousTestCase):
    """How a process starts again."""

    def again(self, given: str, lead: str = "python -P /bin/twistd") -> str:
        """The next command line, in words."""
        return " ".join(invocation(given, lead).again("/bin/python3"))

    def test_foreground(self) -> None:
        """As it was started; its pid file, if there is one, is its own."""
        self.assertEqual(
            self.again("-n fiberlb -c f.yaml"),
            "/bin/python3 -P /bin/twistd --nodaemon --pidfile= fiberlb --config=/d/f.yaml",
        )

    def test_background(self) -> None:
        """It is there already; its log stays where it was."""
        self.assertIn("--nodaemon", self.again("fiberlb -c f"))
        self.assertIn("--logfile=/d/twistd.log", self.again("fiberlb -c f"))
        self.assertIn("--logfile=/d/x", self.again("--logfile x fiberlb -c f"))
        self.assertIn("--logfile=/d/x", self.again("-lx -n fiberlb -c f"))
        self.assertNotIn("logfile", self.again("--syslog fiberlb -c f"))
        self.assertNotIn("logfile", self.again("-n -l - fiberlb -c f"))

    def test_user(self) -> None:
        """It is that user already; the name of one may be that of the command."""
        found = self.again("--uid fiberlb --gid=fiberlb --euid -n fiberlb -c f")
        self.assertEqual(found, self.again("-n fiberlb -c f"))
        self.assertEqual(found, self.again("-u fiberlb -g fiberlb -n fiberlb -c f"))

    def test_elsewhere(self) -> None:
        """It is in its directory already; relative paths begin where it was started."""
        found = self.again("--rundir sub --pidfile p.pid --umask 022 -n -r fiberlb fiberlb -cf")
        self.assertEqual(
            found,
            "/bin/python3 -P /bin/twistd --umask=022 -rfiberlb --nodaemon --pidfile= fiberlb"
            " --config=/d/f",
        )

    def test_without_a_file(self) -> None:
        """What was said in one line is said again."""
        found = invocation("-n fiberlb --from :1 --to a:1 --to b:2")
        self.assertIsNone(found.configuration)
        self.assertTrue(found.again("p")[-4:] == ["fiberlb", "--from=:1", "--to=a:1", "--to=b:2"])

    def test_run(self) -> None:
        """C{fiberlb run} has twistd's Python as text."""
        words = ["-n", "--pidfile=", "fiberlb", "-c", "f"]
        found = Invocation.read(
            ["python", "-P", "-c", "import x; x()", *words],
            ["fiberlb run", *words],
            ServerOptions(),
            Options(),
            "/d",
        )
        self.assertEqual(found.again("p")[:4], ["p", "-P", "-c", "import x; x()"])
        self.assertIn("--config=/d/f", found.again("p"))

    def test_unknown(self) -> None:
        """Started by something else."""
        for given in ("", "-n web", "--what fiberlb", "-n fiberlb --what"):
            self.assertRaises(NotKnown, invocation, given)
        self.assertRaises(
            NotKnown, Invocation.read, ["python"], ["x", "fiberlb"], ServerOptions(), Options(), "/"
        )
