"""What an installation must have, so that C{twistd} knows FiberLB."""

from __future__ import annotations

import configparser
import re
from importlib.metadata import distribution

from twisted.application.reactors import IReactorInstaller
from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase

import fiberlb
from tests.support.sources import ROOT


def setup_cfg() -> configparser.ConfigParser:
    """The project's metadata."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


class PluginTests(SynchronousTestCase):
    """Twisted finds what FiberLB adds to it."""

    def test_command(self) -> None:
        """C{twistd fiberlb} exists once and is made by the composition root."""
        found = [p for p in getPlugins(IServiceMaker) if p.tapname == "fiberlb"]
        self.assertEqual([getattr(plugin, "module", None) for plugin in found], ["fiberlb.tap"])

    def test_reactor(self) -> None:
        """C{twistd --reactor=fiberlb} exists once and is the lean reactor."""
        found = [p for p in getPlugins(IReactorInstaller) if p.shortName == "fiberlb"]
        modules = [getattr(plugin, "moduleName", None) for plugin in found]
        self.assertEqual(modules, ["fiberlb.relay.reactor"])

    def test_namespace(self) -> None:
        """The folders that belong to Twisted are no packages here: that would hide Twisted's."""
        for folder in ("twisted", "twisted/plugins"):
            self.assertFalse((ROOT / folder / "__init__.py").exists(), folder)


class MetadataTests(SynchronousTestCase):
    """What pip is told."""

    def test_version(self) -> None:
        """The installed version is that of the source."""
        self.assertEqual(distribution("fiberlb").version, fiberlb.__version__)

    def test_command(self) -> None:
        """The C{fiberlb} command is an entry point."""
        scripts = distribution("fiberlb").entry_points.select(group="console_scripts")
        self.assertEqual([(s.name, s.value) for s in scripts], [("fiberlb", "fiberlb.cli:main")])

    def test_editable(self) -> None:
        """
        Both lines that carry the plugin are there: without C{py_modules} plain installs lose it,
        without C{package_dir} editable ones do, and neither says so.
        """
        options = setup_cfg()["options"]
        self.assertEqual(options["package_dir"].split(), ["=", "."])
        self.assertEqual(options["py_modules"].split(), ["twisted.plugins.fiberlb_plugin"])

    def test_dependencies_explained(self) -> None:
        """Each dependency, of the extras too, has its line in the decision about them."""
        parser = setup_cfg()
        lines = parser["options"]["install_requires"].split("\n")
        for extra in parser["options.extras_require"].values():
            lines += extra.split("\n")
        names = {re.split(r"[\s\[<>=!]", line, maxsplit=1)[0] for line in lines if line.strip()}
        page = (ROOT / "docs/decisions/0001-dependencies.rst").read_text()
        decision = page.partition("\nRejected\n")[0]
        explained = set(re.findall(r"^\* ``([^`\[]+)(?:\[[^`]*\])?``", decision, re.MULTILINE))
        self.assertEqual(names - explained, set())
        self.assertEqual(explained - names, set())

    def test_files(self) -> None:
        """What the source distribution names exists."""
        for line in (ROOT / "MANIFEST.in").read_text().splitlines():
            verb, *words = line.split()
            if verb in ("include", "graft"):
                for word in words:
                    self.assertTrue((ROOT / word).exists(), word)
