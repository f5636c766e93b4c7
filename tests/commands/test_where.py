"""Tests of fiberlb.commands.where."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.commands.exits import REFUSED, UNREACHABLE, Failed
from fiberlb.commands.where import Asked, Where, checked, exposed, settings_of, where
from tests.support.certificates import leaf


class WhereTests(SynchronousTestCase):
    """Whom a command asks."""

    def setUp(self) -> None:
        """A directory for files."""
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()

    def write(self, name: str, text: str) -> str:
        """A file."""
        path = self.directory / name
        path.write_text(text)
        return str(path)

    def test_order(self) -> None:
        """The option, else the file, else the environment, else the process that runs here."""
        path = self.write("f.yaml", "version: 1\nadmin: {listen: '127.0.0.1:7'}\n")
        self.write("admin", "http://127.0.0.1:9\nunix:/x\n")
        environ = {"FIBERLB_URL": "https://lb:8", "STATE_DIRECTORY": str(self.directory)}
        for asked, given, address in (
            (Asked(url="unix:/s", path=path), environ, "unix:/s"),
            (Asked(path=path), environ, "http://127.0.0.1:7"),
            (Asked(path=path, document=True), environ, "https://lb:8"),
            (Asked(path=path, document=True), {}, "http://127.0.0.1:7"),
            (Asked(), environ, "https://lb:8"),
            (Asked(), {"STATE_DIRECTORY": str(self.directory)}, "http://127.0.0.1:9"),
        ):
            self.assertEqual(where(asked, given).address, address)

    def test_plain_first(self) -> None:
        """What is plain is of this machine, and asked first; else it is https."""
        self.write("admin", "https://10.0.0.1:1\nunix:/x\n")
        here = {"STATE_DIRECTORY": str(self.directory)}
        self.assertEqual(where(Asked(), here).address, "unix:/x")
        secured = '{address: "127.0.0.1:1", plaintext: false}'
        made = leaf("localhost")
        self.write("a.pem", made.chain + made.key_pem())
        tls = 'tls_config: {certificate: "file:a.pem"}'
        for listen, address in (
            (f"[{secured}, 'unix:/x']", "unix:/x"),
            (f"[{secured}]", "https://127.0.0.1:1"),
        ):
            text = f"version: 1\nadmin: {{listen: {listen}, {tls}}}\n"
            path = self.write("f.yaml", text)
            self.assertEqual(where(Asked(path=path), {}).address, address)

    def test_any_port(self) -> None:
        """Where the file leaves the port open, the process has written down what it got."""
        self.write("admin", "http://127.0.0.1:9\n")
        text = f"version: 1\nstate_directory: {self.directory}\nworkers: 0\n"
        text += "admin: {listen: '127.0.0.1:0'}\n"
        asked = Asked(path=self.write("f.yaml", text))
        self.assertEqual(where(asked, {}).address, "http://127.0.0.1:9")

    def test_nobody(self) -> None:
        """
        Nobody has said that it runs here: it is asked at the usual address, as one that leaves
        nothing on disk is; with a token, which is not for whoever is there, what can be done is
        told.
        """
        environ = {"STATE_DIRECTORY": str(self.directory)}
        self.assertEqual(where(Asked(), environ).address, "http://127.0.0.1:9876")
        environ["FIBERLB_TOKEN"] = "boss-boss-boss-boss"
        failed = self.assertRaises(Failed, where, Asked(), environ)
        self.assertEqual(failed.code, UNREACHABLE)
        self.assertIn("FIBERLB_URL", failed.lines[0])
        off = self.write("f.yaml", "version: 1\nadmin: {listen: []}\n")
        failed = self.assertRaises(Failed, where, Asked(path=off), {})
        self.assertEqual(failed.code, UNREACHABLE)
        self.write("admin", "")
        self.assertIn("off", self.assertRaises(Failed, where, Asked(), environ).message)

    def test_address(self) -> None:
        """What can be asked, and what cannot."""
        for given, address in (
            ("127.0.0.1:9876", "http://127.0.0.1:9876"),
            ("https://[::1]:9/", "https://[::1]:9"),
            ("unix:///run/s", "unix:/run/s"),
        ):
            self.assertEqual(checked(given), address)
        for given in (
            "ftp://x",
            "http://",
            "http://x:y",
            "http://x/v1",
            "http://u:p@x",
            "http://x?a",
        ):
            self.assertEqual(self.assertRaises(Failed, checked, given).code, REFUSED)

    def test_token(self) -> None:
        """The file of the option, else the environment's token, else the environment's file."""
        url, path = "http://x", self.write("token", " of-the-file\n")
        environ = {"FIBERLB_TOKEN": "given", "FIBERLB_TOKEN_FILE": path}
        self.assertEqual(where(Asked(url=url, token_file=path), environ).token, "of-the-file")
        self.assertEqual(where(Asked(url=url), environ).token, "given")
        del environ["FIBERLB_TOKEN"]
        self.assertEqual(where(Asked(url=url), environ).token, "of-the-file")
        self.assertIsNone(where(Asked(url=url), {}).token)
        for file in (self.write("empty", "\n"), self.write("two", "a\nb"), "/no/such"):
            self.assertRaises(Failed, where, Asked(url=url, token_file=file), {})

    def test_files(self) -> None:
        """Certificates come from options or the environment."""
        environ = {"FIBERLB_CA": "ca", "FIBERLB_CLIENT_CERT": "c", "FIBERLB_CLIENT_KEY": "k"}
        found = where(Asked(url="x", ca="other"), environ)
        self.assertEqual((found.ca, found.certificate, found.key), ("other", "c", "k"))

    def test_exposed(self) -> None:
        """A token is only worth what reads it on the way."""
        for address, told in (
            ("http://192.0.2.1:1", True),
            ("http://lb.test:1", True),
            ("http://localhost:1", False),
            ("http://[::1]:1", False),
            ("https://lb.test", False),
            ("unix:/s", False),
        ):
            self.assertEqual(exposed(Where(address=address, token="x")), told, address)
        self.assertFalse(exposed(Where(address="http://192.0.2.1:1")))

    def test_settings(self) -> None:
        """A file that is refused is, with its place."""
        failed = self.assertRaises(Failed, settings_of, self.write("f.yaml", "versoin: 1\n"))
        self.assertIn("f.yaml:1:1: versoin", failed.message)
