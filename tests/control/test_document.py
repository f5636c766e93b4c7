"""The file layer: files and directories, places, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.document import FileLayer, load_file
from fiberlb.control.file_values import LARGEST_VALUE
from fiberlb.errors import Position, Problem
from fiberlb.model.certificate import Certificate
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Member, Pool
from fiberlb.model.resource import Owner
from fiberlb.model.settings import Settings
from tests.control.loading import load, refusals, refused, written

WHOLE = """\
version: 1
x-check: &check {url_path: /health}
node: {name: lb-1}
pools:
  - name: app
    members: [10.0.0.1:80, 10.0.0.2:80]
    health_monitor: *check
listeners:
  - name: web
    port: 8080
    protocol: http
    default_pool_id: app
    l7_policies:
      - {redirect_pool_id: app, rules: [{path: /a}]}
l7_policies:
  - {name: flat, listener_ids: [web, other], action: reject, rules: []}
"""


def only(layer: FileLayer, collection: str) -> str:
    """The id of the first object of a collection."""
    return next(iter(layer.configuration.objects[collection]))


class LayerTests(SynchronousTestCase):
    """What a file that is in order becomes."""

    def test_nothing(self) -> None:
        """An empty file is the default settings and no objects."""
        for text in ("", "# nothing\n", "{}", "pools:\nlisteners: []\n"):
            layer = load(self, text)
            self.assertEqual(layer.settings, Settings())
            self.assertEqual(layer.places, {})

    def test_objects(self) -> None:
        """All objects are there, in order, owned by the file."""
        layer = load(self, WHOLE)
        configuration = layer.configuration
        self.assertEqual(layer.settings.node.name, "lb-1")
        self.assertEqual(len(configuration.all(Pool)), 1)
        self.assertEqual(len(configuration.all(Member)), 2)
        self.assertEqual(len(configuration.all(L7Policy)), 3)
        self.assertEqual(len(configuration.all(L7Rule)), 1)
        owners = {meta.managed_by for meta in configuration.meta.values()}
        self.assertEqual(owners, {Owner.FILE})
        self.assertEqual(len(configuration.meta), 8)
        self.assertFalse(layer.ephemeral)
        self.assertIsNone(layer.admin_ports)

    def test_meta(self) -> None:
        """Each object knows its place and when it was read."""
        path = f"{written(self, {'f.yaml': WHOLE})}/f.yaml"
        layer = load_file(path, {}, "2024-05-06T07:08:09Z")
        listener = only(layer, "listeners")
        meta = layer.configuration.meta[listener]
        self.assertEqual((meta.created_at, meta.updated_at), ("2024-05-06T07:08:09Z",) * 2)
        self.assertEqual(layer.position(("listeners", listener)), Position(path, 9, 5))
        self.assertEqual(layer.files, (path,))

    def test_references(self) -> None:
        """References are left as the file has them; nested objects have their parent's id."""
        configuration = load(self, WHOLE).configuration
        (listener,) = configuration.all(Listener).values()
        self.assertEqual(listener.default_pool_id, "app")
        self.assertEqual(
            [p.listener_id for p in configuration.all(L7Policy).values()],
            [listener.id, "web", "other"],
        )

    def test_owned_lists(self) -> None:
        """Only child lists that the file gives are its own, empty ones included."""
        layer = load(self, WHOLE)
        (pool,), (listener,) = (layer.configuration.all(cls) for cls in (Pool, Listener))
        policies = list(layer.configuration.all(L7Policy))
        self.assertEqual(
            layer.owned_lists,
            {(pool, "members"), (listener, "l7_policies"), *((p, "l7_rules") for p in policies)},
        )
        bare = load(self, "pools: [{name: a}]\nl7_policies: [{listener_id: w, action: reject}]")
        self.assertEqual(bare.owned_lists, frozenset())

    def test_ignored(self) -> None:
        """What is under x- is not looked at; its variables are, as they may be referred to."""
        layer = load(self, "x-a: {pools: [1, 2], nonsense: true}\nx-: 5")
        self.assertEqual(layer.settings, Settings())
        (found,) = refusals(self, "x-a: ${NOPE}")
        self.assertIn("f.yaml:1:6: x-a: the environment variable NOPE is not set", found)

    def test_variables(self) -> None:
        """Variables stand for ports, names and whatever else is a value."""
        text = "listeners: [{name: '${N}', port: '${P}', protocol: http, enabled: '$${x}'}]"
        (found,) = refusals(self, text, N="web", P="81")
        self.assertIn("listeners[0].enabled: must be true or false", found)
        layer = load(self, "listeners:\n- name: ${N}\n  port: ${P}\n  protocol: tcp", N="w", P="81")
        (listener,) = layer.configuration.all(Listener).values()
        self.assertEqual((listener.name, listener.port), ("w", 81))


class PlaceTests(SynchronousTestCase):
    """From (collection, id, field) to a place in the file."""

    def setUp(self) -> None:
        self.path = f"{written(self, {'f.yaml': WHOLE})}/f.yaml"
        self.layer = load_file(self.path, {})

    def at(self, collection: str, ident: str, *field: str | int) -> tuple[int, int]:
        """Line and column."""
        position = self.layer.position((collection, ident, *field))
        assert position is not None
        self.assertEqual(position.file, self.path)
        return position.line, position.column

    def test_fields(self) -> None:
        """A field stands where its key is, one that is absent where the object is."""
        listener = only(self.layer, "listeners")
        self.assertEqual(self.at("listeners", listener, "default_pool_id"), (12, 5))
        self.assertEqual(self.at("listeners", listener, "tls_config", "min_version"), (9, 5))
        self.assertEqual(self.at("listeners", listener), (9, 5))

    def test_children(self) -> None:
        """Members, policies and rules have places of their own; an alias leads to its anchor."""
        members = list(self.layer.configuration.all(Member))
        self.assertEqual(self.at("members", members[1], "address"), (6, 28))
        self.assertEqual(self.at("l7_rules", only(self.layer, "l7_rules"), "value"), (14, 41))
        pool = only(self.layer, "pools")
        self.assertEqual(self.at("pools", pool, "health_monitor", "url_path"), (2, 18))

    def test_shared_store(self) -> None:
        """Objects beside a store that nodes share are refused where they stand."""
        text = "store: etcd:http://a\npools: [{name: a, members: []}]\nlisteners: []\n"
        (told,) = refusals(self, text)
        self.assertIn(":2:1: pools: objects go into the store that nodes share", told)
        self.assertIn("fiberlb apply", told)

    def test_listener_ids(self) -> None:
        """The parent of one of several policies stands in the list."""
        flat = list(self.layer.configuration.all(L7Policy))[1:]
        self.assertEqual(self.at("l7_policies", flat[0], "listener_id"), (16, 33))
        self.assertEqual(self.at("l7_policies", flat[1], "listener_id"), (16, 38))
        self.assertEqual(self.at("l7_policies", flat[1], "action"), (16, 46))

    def test_elsewhere(self) -> None:
        """What the file does not have has no place."""
        self.assertIsNone(self.layer.position(("pools", "nope", "name")))
        self.assertIsNone(self.layer.position(("pools",)))
        self.assertIsNone(self.layer.position(()))

    def test_located(self) -> None:
        """Problems are told with the document's path, in its order; others come last."""
        listener, pool = only(self.layer, "listeners"), only(self.layer, "pools")
        flat = list(self.layer.configuration.all(L7Policy))[2]
        stored = Problem(("pools", "other", "name"), "d")
        placed = Problem((), "e", position=Position(self.path, 1, 1))
        found = self.layer.located(
            [
                stored,
                Problem(("l7_policies", flat, "listener_id"), "c"),
                Problem(("listeners", listener, "port"), "b"),
                Problem(("pools", pool, "health_monitor", "fall"), "a"),
                placed,
            ]
        )
        self.assertEqual([p.message for p in found], ["e", "a", "b", "c", "d"])
        self.assertEqual(
            [p.field for p in found],
            [
                "",
                "pools[0].health_monitor.fall",
                "listeners[0].port",
                "l7_policies[0].listener_ids[1]",
                "pools.other.name",
            ],
        )
        self.assertIs(found[4], stored)
        self.assertIs(found[0], placed)


class RefusalTests(SynchronousTestCase):
    """Everything wrong is told at once, in order, with its place."""

    def test_all(self) -> None:
        """Settings and objects, keys and values, in one go."""
        text = (
            "version: 1\n"
            "lisener: []\n"
            "log: {level: loud}\n"
            "pools:\n"
            "  - name: a\n"
            "    protocol: htp\n"
            "    members: [10.0.0.1:80, {adress: 10.0.0.2, port: 80}, 10.0.0.3:99999]\n"
            "    protocol: http\n"
            "listeners:\n"
            "  - {name: w, port: '${PORT}', protocol: http, defalt_pool_id: a}\n"
        )
        self.assertEqual(
            refusals(self, text),
            [
                "f.yaml:2:1: lisener: unknown key 'lisener' (did you mean 'listeners'?)",
                "f.yaml:3:7: log.level: 'loud' is not one of debug, info, warn, error",
                "f.yaml:6:5: pools[0].protocol: 'htp' is not one of http, https, tcp, udp"
                " (did you mean 'http'?)",
                "f.yaml:7:28: pools[0].members[1].address: is needed",
                "f.yaml:7:29: pools[0].members[1].adress: unknown key 'adress'"
                " (did you mean 'address'?)",
                "f.yaml:7:58: pools[0].members[2].port: must be from 1 to 65535",
                "f.yaml:8:5: pools[0].protocol: the key 'protocol' is given twice, first in line 6",
                "f.yaml:10:21: listeners[0].port: the environment variable PORT is not set",
                "f.yaml:10:48: listeners[0].defalt_pool_id: unknown key 'defalt_pool_id'"
                " (did you mean 'default_pool_id'?)",
            ],
        )

    def test_later(self) -> None:
        """A key of a later version is known and refused, not ignored."""
        self.assertEqual(
            refusals(self, "tor: []\npools: [{name: a, http2: {percent: 5}}]"),
            [
                "f.yaml:1:1: tor: known, not supported by this version",
                "f.yaml:2:19: pools[0].http2: known, not supported by this version",
            ],
        )

    def test_shapes(self) -> None:
        """Lists are lists, the whole is a mapping."""
        self.assertEqual(refusals(self, "- a"), ["f.yaml:1:1: must be a mapping"])
        self.assertEqual(refusals(self, "text"), ["f.yaml:1:1: must be a mapping"])
        self.assertEqual(
            refusals(self, "pools: {a: {}}\nlisteners: [5]"),
            ["f.yaml:1:1: pools: must be a list", "f.yaml:2:13: listeners[0]: must be a mapping"],
        )

    def test_unreadable(self) -> None:
        """A file that is not there is named."""
        path = f"{written(self, {'x': ''})}/none.yaml"
        self.assertEqual(refused(path, {}), ["cannot read none.yaml: No such file or directory"])

    def test_directory_in_place(self) -> None:
        """So is a directory in a file's place."""
        directory = written(self, {"a.yaml/x": ""})
        self.assertEqual(refused(directory, {}), ["cannot read a.yaml: Is a directory"])

    def test_syntax(self) -> None:
        """A file that is not YAML is told at the place of the mistake."""
        (found,) = refusals(self, "pools:\n  - {name: a\n")
        self.assertIn("f.yaml:2:5: not YAML", found)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


class ValueFileTests(SynchronousTestCase):
    """Values that are files."""

    text = "certificates: [{name: c, certificate: 'file:certs/c.pem', passphrase: file:pass}]"

    def test_relative(self) -> None:
        """They are found from where the configuration file is, not from where one stands."""
        directory = written(
            self, {"d/f.yaml": self.text, "d/certs/c.pem": "PEM\n", "d/pass": "secret\n"}
        )
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir("/")
        layer = load_file(os.path.join(directory, "d", "f.yaml"), {})
        (made,) = layer.configuration.all(Certificate).values()
        self.assertEqual((made.certificate, made.passphrase), ("PEM\n", "secret"))

    def test_refused(self) -> None:
        """What cannot be read, is no text, too large, or no file is refused by its name."""
        directory = Path(written(self, {"f.yaml": self.text, "pass": b"\xff\xfe"}))
        os.mkdir(directory / "certs")
        for make, message in (
            (lambda p: None, "No such file"),
            (lambda p: p.write_bytes(b"x" * (LARGEST_VALUE + 1)), "larger than 1MiB"),
            (_pipe, "not a regular file"),
            (_directory, "Is a directory"),
        ):
            make(directory / "certs" / "c.pem")
            found = refused(str(directory / "f.yaml"), {})
            self.assertEqual(len(found), 2)
            self.assertIn(
                f"certificates[0].certificate: cannot read certs/c.pem: {message}", found[0]
            )
            self.assertIn("f.yaml:1:59: certificates[0].passphrase: pass is not text", found[1])


class SecretTests(SynchronousTestCase):
    """What nobody may see."""

    def test_repr(self) -> None:
        """Neither a layer nor anything in it shows a private key or a variable's value."""
        text = (
            "certificates: [{name: c, certificate: PEM, private_key: '${K}', passphrase: '${K}'}]"
        )
        layer = load(self, text, K="hidden")
        (made,) = layer.configuration.all(Certificate).values()
        self.assertEqual(made.private_key, "hidden")
        for shown in (layer, layer.places, layer.configuration, made):
            self.assertNotIn("hidden", repr(shown))


class DirectoryTests(SynchronousTestCase):
    """A directory of files is one configuration."""

    def test_merged(self) -> None:
        """Files are read in lexical order; references go across; hidden ones are left out."""
        directory = written(
            self,
            {
                "20-b.yaml": "version: 1\npools: [{name: b}]\nlog: {level: debug}",
                "10-a.yaml": "version: 1\npools: [{name: a}]\nkey_file: k",
                "5-c.yaml": "l7_policies: [{listener_id: w, action: reject}]",
                "30-d.yaml": "",
                ".e.yaml": "nonsense",
                "g.yaml~": "nonsense",
                "sub/h.yaml": "nonsense",
            },
        )
        layer = load_file(directory, {})
        names = [pool.name for pool in layer.configuration.all(Pool).values()]
        self.assertEqual(names, ["a", "b"])
        self.assertEqual(
            [os.path.basename(name) for name in layer.files],
            ["10-a.yaml", "20-b.yaml", "30-d.yaml", "5-c.yaml"],
        )
        self.assertEqual(layer.settings.log.level.value, "debug")
        self.assertEqual(layer.settings.key_file, os.path.join(os.path.abspath(directory), "k"))
        position = layer.position(("pools", list(layer.configuration.all(Pool))[1], "name"))
        self.assertEqual(position, Position(f"{directory}/20-b.yaml", 2, 10))

    def test_duplicates(self) -> None:
        """What two files give is told, with the place of the other."""
        directory = written(
            self,
            {
                "a.yaml": "log: {level: info}\npools: [{name: a}]",
                "b.yaml": "pools:\n- {name: b}\n- {name: a}\nlog: {level: warn}",
            },
        )
        self.assertEqual(
            refused(directory, {}),
            [
                "b.yaml:3:4: pools[1].name: the name 'a' is taken by pools[0] (a.yaml, line 2)",
                "b.yaml:4:1: log: is given by a.yaml:1:1 too",
            ],
        )

    def test_problems_of_all(self) -> None:
        """Every file's problems are told, in the order of the files; anchors stay in theirs."""
        directory = written(
            self,
            {
                "b.yaml": "pools: [",
                "a.yaml": "nope: &x 1",
                "c.yaml": "log: *x",
            },
        )
        found = refused(directory, {})
        self.assertEqual([line.split(":")[0] for line in found], ["a.yaml", "b.yaml", "c.yaml"])
        self.assertIn("the anchor 'x' is not defined above", found[2])

    def test_none(self) -> None:
        """A directory without such files is refused, with a hint where one is near."""
        (found,) = refused(written(self, {"a.txt": ""}), {})
        self.assertTrue(found.endswith("holds no *.yaml file"), found)
        (found,) = refused(written(self, {"a.yml": ""}), {})
        self.assertTrue(found.endswith("holds no *.yaml file; a.yml is not one"), found)
