"""The surface of the admin API."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.access import Role
from fiberlb.model.admin import Admin, AdminAddress, AdminListen, AdminTls
from tests.model.documents import loaded, made, problems, refused, values

TOKEN = "t" * 32
TLS = {"certificate": "PEM"}


class AdminAddressTests(SynchronousTestCase):
    """Where the admin API listens."""

    def test_loaded(self) -> None:
        """Addresses and sockets."""
        for text, wanted in (
            ("127.0.0.1:9876", "127.0.0.1:9876"),
            ("127.0.0.5:0", "127.0.0.5:0"),
            ("localhost:80", "127.0.0.1:80"),
            ("[::1]:0080", "[::1]:80"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("unix:/run/a.sock", "unix:/run/a.sock"),
        ):
            self.assertEqual(loaded(AdminAddress(), text), wanted)

    def test_refused(self) -> None:
        """Anything else."""
        for value in values(
            "", "80", ":80", "unix:run", "unix:", "127.0.0.1:65536", 80, None, "::1:80"
        ):
            self.assertIn("is not HOST:PORT or unix:/path", refused(AdminAddress(), value))
        for value in ("unix:/" + "x" * 107, "unix:/a/", "unix:/a\nb"):
            told = refused(AdminAddress(), value)
            self.assertIn("absolute path of at most 107 octets", told)
        self.assertEqual(
            refused(AdminAddress(), "a.example:80"), "'a.example' is not an IP address"
        )


class AdminListenTests(SynchronousTestCase):
    """What is spoken there."""

    def test_kinds(self) -> None:
        """Loopback and sockets are plain unless something else is said; others are not."""
        for given, local, tls in (
            ("unix:/a", True, False),
            ("127.0.0.1:1", True, False),
            ("[::1]:1", True, False),
            ({"address": "127.0.0.1:1", "plaintext": False}, True, True),
            ("10.0.0.1:1", False, True),
            ("[::]:1", False, True),
            ({"address": "0.0.0.0:1", "plaintext": True}, False, False),
        ):
            document: Any = {"address": given} if isinstance(given, str) else given
            found = made(AdminListen, **document)
            self.assertEqual((found.local, found.tls), (local, tls), given)

    def test_group(self) -> None:
        """A group is let in by a Unix socket."""
        self.assertEqual(made(AdminListen, address="unix:/a", group="ops").group, "ops")
        self.assertEqual(
            problems(AdminListen, {"address": "127.0.0.1:1", "group": "ops"}),
            ["group: goes with a Unix socket only"],
        )

    def test_unix(self) -> None:
        """There is no TLS on a Unix socket."""
        self.assertEqual(
            problems(AdminListen, {"address": "unix:/a", "plaintext": False}),
            ["plaintext: a Unix socket does without TLS"],
        )


class AdminTests(SynchronousTestCase):
    """It is never open to everybody."""

    def test_lists(self) -> None:
        """One address, or several, short or long."""
        found = made(Admin, listen=["unix:/a", {"address": "127.0.0.1:1"}])
        self.assertEqual(found.addresses, ("unix:/a", "127.0.0.1:1"))
        self.assertEqual(made(Admin, listen="127.0.0.1:2").addresses, ("127.0.0.1:2",))
        self.assertEqual(made(Admin, listen=[]).listen, ())

    def test_open(self) -> None:
        """Elsewhere than here it takes TLS, and somebody who may use it."""
        plain = {"address": "10.0.0.1:1", "plaintext": True}
        for document, wanted in (
            ({"listen": "10.0.0.1:1"}, "listen: 10.0.0.1:1 needs admin.tls_config, as it is not"),
            ({"listen": "10.0.0.1:1", "tokens": [TOKEN]}, "needs admin.tls_config"),
            ({"listen": "10.0.0.1:1", "tls_config": TLS}, "needs admin.tokens, or a client_ca"),
            ({"listen": plain}, "needs admin.tokens: it would be open to everybody"),
            ({"listen": ["unix:/a", "10.0.0.1:1"], "tokens": [TOKEN]}, "listen[1]: "),
            (
                {"listen": [plain, "10.0.0.2:1"], "tls_config": {**TLS, "client_ca": "CA"}},
                "10.0.0.1:1 is not loopback and needs admin.tokens",
            ),
        ):
            (found,) = problems(Admin, document)
            self.assertIn(wanted, found)

    def test_closed(self) -> None:
        """What is enough."""
        for document in (
            {"listen": "10.0.0.1:1", "tokens": [TOKEN], "tls_config": TLS},
            {"listen": "10.0.0.1:1", "tls_config": {**TLS, "client_ca": "CA"}},
            {"listen": {"address": "10.0.0.1:1", "plaintext": True}, "tokens": TOKEN},
            {"listen": "127.0.0.1:1", "tokens": [TOKEN]},
        ):
            made(Admin, **document)

    def test_unused(self) -> None:
        """TLS that no address uses was meant for one."""
        (found,) = problems(Admin, {"tls_config": TLS})
        self.assertIn("tls_config: no address uses it", found)

    def test_doubles(self) -> None:
        """A name and a token stand for one."""
        several = [{"name": "a", "token": TOKEN}, {"name": "a", "token": "u" * 32}]
        self.assertEqual(problems(Admin, {"tokens": several}), ["tokens: several are called 'a'"])
        self.assertEqual(problems(Admin, {"tokens": [TOKEN] * 2}), ["tokens: one is given twice"])


class AdminTlsTests(SynchronousTestCase):
    """Clients with certificates."""

    def test_roles(self) -> None:
        """Everybody is admin, unless somebody is named; then nobody else is anything."""
        tls = {**TLS, "client_ca": "CA"}
        self.assertIs(made(AdminTls, **tls).other_role, Role.ADMIN)
        self.assertIs(made(AdminTls, **tls, client_role="read").other_role, Role.READ)
        named = made(AdminTls, **tls, client_roles={"ci.example": "WRITE"})
        self.assertIs(named.other_role, None)
        self.assertEqual(named.client_roles, (("ci.example", Role.WRITE),))

    def test_without_authority(self) -> None:
        """Roles of nobody are refused."""
        for more in ({"client_role": "read"}, {"client_roles": {"a": "read"}}):
            (found,) = problems(AdminTls, {**TLS, **more})
            self.assertIn("needs client_ca", found)

    def test_secret(self) -> None:
        """The key is not told."""
        self.assertNotIn("SECRET", repr(made(AdminTls, certificate="PEM", private_key="SECRET")))
