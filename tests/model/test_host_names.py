"""Tests of L{fiberlb.model.host_names}."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.fields import Loading
from fiberlb.model.host_names import asked_name, host_name, load_name, split_all


def refusal(text: str) -> str:
    """Why a name is refused."""
    loading = Loading()
    load_name(text, ("address",), loading)
    (problem,) = loading.problems
    return problem.message


class NameTests(SynchronousTestCase):
    """What a name is."""

    def test_good(self) -> None:
        """Letters, digits, hyphens and underscores; lower case, without the final dot."""
        for text, name in (
            ("localhost", "localhost"),
            ("API.Internal.", "api.internal"),
            ("a_b._tcp.x-1.example", "a_b._tcp.x-1.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("3com.example", "3com.example"),
            ("a" * 63 + ".example", "a" * 63 + ".example"),
        ):
            self.assertEqual(host_name(text), name)
        longest = ".".join(["a" * 49] * 5) + ".b.c"
        self.assertEqual(len(longest), 253)
        self.assertEqual(host_name(longest), longest)
        self.assertIsNone(host_name(longest + "d"))

    def test_bad(self) -> None:
        """Everything else, and what another program might read as an address."""
        for text in (
            "",
            ".",
            "a..b",
            ".a",
            "a..",
            "-a.b",
            "a-.b",
            "a b",
            "a.b ",
            "a.b\n",
            "a.b:80",
            "a/b",
            "a.b\x00",
            "a@b",
            "[::1]",
            "::1",
            "a%b",
            "*.a",
            "bücher.example",
            "a" * 64 + ".example",
            "127.1",
            "1.2.3.4",
            "1.2.3.4.5",
            "2130706433",
            "0x7f000001",
            "a.0x1",
        ):
            self.assertIsNone(host_name(text), text)

    @given(st.text(max_size=300))
    def test_any(self, text: str) -> None:
        """Whatever is taken can be asked for: ASCII, bounded, in labels."""
        name = host_name(text)
        if name is not None:
            self.assertEqual(host_name(name), name)
            self.assertTrue(name.isascii() and 0 < len(name) <= 253)
            self.assertTrue(all(0 < len(label) <= 63 for label in name.split(".")))

    def test_refusals(self) -> None:
        """Each says what would be right, if anything can be known."""
        self.assertIn("'xn--bcher-kva.example'", refusal("bücher.example"))
        self.assertIn("as DNS has it", refusal("b\udc00"))
        self.assertIn("write it without dns:", refusal("dns:10.0.0.1"))
        self.assertIn("is no host name", refusal("dns:a b"))
        self.assertIn("neither an IP address nor a host name", refusal("a b"))

    def test_asked(self) -> None:
        """The name behind an address; addresses have none."""
        for address, name in (
            ("api.internal", "api.internal"),
            ("dns:api.internal", "api.internal"),
            ("10.0.0.1", ""),
            ("::1", ""),
            ("unix:/run/x", ""),
        ):
            self.assertEqual(asked_name(address), name)

    def test_split(self) -> None:
        """The short form's address and port."""
        self.assertEqual(split_all("dns:a.b:80"), ("dns:a.b", "80"))
        for text in ("dns:a.b", "dns::80", "dns:a:b:80", "a.b:80", "dns:a.b:80x", "dns:a.b:123456"):
            self.assertIsNone(split_all(text), text)
