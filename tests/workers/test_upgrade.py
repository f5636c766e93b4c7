"""Tests of L{fiberlb.workers.upgrade}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.upgrade import Refused, command, configuration


class CommandTests(SynchronousTestCase):
    """How a process starts again."""

    def test_foreground(self) -> None:
        """As it was started; its pid file, if there is one, is its own."""
        words = ["python", "-P", "/bin/twistd", "-n", "fiberlb", "-c", "f.yaml"]
        self.assertEqual(
            command(words, "/bin/python3"),
            "/bin/python3 -P /bin/twistd -n --nodaemon --pidfile= fiberlb -c f.yaml".split(),
        )

    def test_background(self) -> None:
        """It is there already; its log stays where it was."""
        words = ["python", "/bin/twistd", "fiberlb", "-c", "f.yaml"]
        self.assertIn("--logfile=twistd.log", command(words, "p"))
        words.insert(2, "--logfile=x")
        self.assertNotIn("--logfile=twistd.log", command(words, "p"))

    def test_unknown(self) -> None:
        """Started by something else."""
        self.assertRaises(Refused, command, ["python", "-m", "trial"], "p")


class ConfigurationTests(SynchronousTestCase):
    """The file to try."""

    def test_found(self) -> None:
        """After the name of the plugin, in each spelling; twistd's own options are not it."""
        for words in (["-c", "f"], ["--config", "f"], ["--config=f"]):
            self.assertEqual(configuration(["p", "-c", "x", "fiberlb", *words]), "f")
        self.assertIsNone(configuration(["p", "-c", "x", "fiberlb", "--from", "1"]))
        self.assertIsNone(configuration(["p", "-c", "x"]))
