"""Tests of L{fiberlb.model.store}."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.fields import Loading
from fiberlb.model.store import EtcdSettings, StoreSetting
from tests.model.documents import loaded, refused, values


def problem(value: Any) -> str:
    """What is said of a setting that is refused."""
    loading = Loading()
    StoreSetting().load(value, ("store",), loading)
    return str(loading.problems[0])


class StoreSettingTests(SynchronousTestCase):
    """C{store:} of the file."""

    def test_file(self) -> None:
        """A file, or memory."""
        for text in ("memory:", "sqlite:/a b.db", "sqlite:a.db"):
            self.assertEqual(loaded(StoreSetting(), text), text)

    def test_etcd(self) -> None:
        """In one line, or in full."""
        short = loaded(StoreSetting(), "etcd:http://a:2379,https://b,http://[::1]:1/")
        endpoints = ("http://a:2379", "https://b:2379", "http://[::1]:1")
        self.assertEqual(short, EtcdSettings(endpoints=endpoints))
        self.assertEqual((short.prefix, short.username), ("/fiberlb/", None))
        full = {"type": "etcd", "endpoints": ["http://a"], "prefix": "/x", "username": "u"}
        found = loaded(StoreSetting(), {**full, "password": "p w\n"})
        self.assertEqual((found.prefix, found.username, found.password), ("/x/", "u", "p w"))
        self.assertEqual(str(found), "etcd at http://a:2379")

    def test_secret(self) -> None:
        """Neither the password nor the key is shown, nor written."""
        full = {"type": "etcd", "endpoints": ["http://a"], "username": "u", "password": "hush"}
        found = loaded(StoreSetting(), {**full, "certificate": "C", "private_key": "hush"})
        self.assertNotIn("hush", repr(found))
        self.assertNotIn("hush", str(StoreSetting().dump(found)))
        self.assertEqual(StoreSetting().dump("memory:"), "memory:")

    def test_refused(self) -> None:
        """What is none is told, with what could be."""
        for value in values("", "sqlite:", "/a.db", "redis:x", 5, None, []):
            self.assertIn("must be sqlite:PATH, memory:", refused(StoreSetting(), value))
        one = {"type": "etcd", "endpoints": ["http://a"]}
        for value, told in (
            ({}, "must be etcd"),
            ({"type": "redis"}, "etcd"),
            ({"type": "etcd"}, "endpoints"),
            ({"type": "etcd", "endpoints": []}, "at least one"),
            ({**one, "username": "u"}, "go together"),
            ({**one, "private_key": "k"}, "go together"),
            ({**one, "endpoint": "x"}, "unknown key 'endpoint'"),
            ("etcd:", "is not http://HOST:PORT"),
            ("etcd:a:2379", "is not http://HOST:PORT"),
            ("etcd:http://a:x", "is not http://HOST:PORT"),
            ("etcd:http://a/v3", "is not http://HOST:PORT"),
            ("etcd:http://u:hush@a", "username and password"),
        ):
            self.assertIn(told, problem(value))
            self.assertNotIn("hush", problem(value))
