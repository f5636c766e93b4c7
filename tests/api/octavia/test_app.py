"""Addresses, methods, bodies."""

from __future__ import annotations

from tests.api.octavia.asking import OctaviaCase


class AddressTests(OctaviaCase):
    """How it is asked."""

    def test_prefixes(self) -> None:
        """Both prefixes, a slash at the end, and a suffix."""
        for path in ("/v2/lbaas/pools", "/v2.0/lbaas/pools/", "/v2.0/lbaas/pools.json"):
            found = self.get(path)
            self.assertEqual(found.document, {"pools": [], "pools_links": []})
            self.assertTrue(found.headers["x-openstack-request-id"].startswith("req-"))

    def test_methods(self) -> None:
        """405 for the wrong one."""
        self.fault("PATCH", "pools", None, 405, "not allowed")
        self.fault("DELETE", "pools", None, 405, "not allowed")
        for path in ("/", "/v2", "/v2.0/lbaas", "/v2.0/octavia/amphorae"):
            self.assertEqual(self.ask("GET", path).status, 200)
            self.assertEqual(self.ask("POST", path, {}).status, 405, path)

    def test_media(self) -> None:
        """Only JSON goes in and out."""
        path = "/v2.0/lbaas/pools"
        found = self.ask("POST", path, raw=b"x", media="text/plain")
        self.assertEqual(found.document["faultstring"], "Unknown mimetype: text/plain")
        self.assertEqual(found.status, 415)
        self.assertEqual(self.ask("GET", path, Accept="text/html").status, 406)
        self.assertEqual(self.ask("GET", path, Accept="application/json").status, 200)

    def test_bodies(self) -> None:
        """What is no JSON, and what is no envelope."""
        for raw in (b"{", b"", b"{}", b"[]", b"null", b'{"pool": 1}', b'{"pool": {}, "x": 1}'):
            found = self.ask("POST", "/v2.0/lbaas/pools", raw=raw)
            self.assertEqual((found.status, found.document["faultcode"]), (400, "Client"))

    def test_head(self) -> None:
        """As GET, without the body."""
        self.assertEqual(self.call("HEAD", "pools").body, b"")


class FileTests(OctaviaCase):
    """What belongs to the file."""

    FILE = "pools: [{name: p, members: [127.0.0.1:1]}]"

    def test_read_only(self) -> None:
        """Shown, and not changed."""
        [pool] = self.look("pools")["pools"]
        self.assertEqual(len(pool["members"]), 1)
        body = {"pool": {"name": "x"}}
        self.fault("PUT", f"pools/{pool['id']}", body, 409, "immutable and cannot be updated")
