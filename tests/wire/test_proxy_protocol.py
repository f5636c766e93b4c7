"""PROXY headers: read strictly, written as others read them."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import Fault
from fiberlb.wire import proxy_protocol as wire
from fiberlb.wire.proxy_protocol import LOCAL, SIGNATURE, UNKNOWN, Ends, binary, parse, text

ENDS: Ends = (("192.0.2.1", 56324), ("198.51.100.1", 443))
ENDS_6: Ends = (("2001:db8::1", 0), ("2001:db8::2", 65535))


def refused(data: bytes) -> bool:
    """Whether this is refused."""
    try:
        parse(data)
    except Fault as why:
        return why.reason == "bad_request"
    return False


def second(command: int = 0x21, family: int = 0x11, content: bytes = b"\0" * 12) -> bytes:
    """A header of version 2, octet by octet."""
    length = len(content).to_bytes(2, "big")
    return b"%b%c%c%b%b" % (SIGNATURE, command, family, length, content)


class TextTests(SynchronousTestCase):
    """Version 1."""

    def test_read(self) -> None:
        """Both families, and clients that are not known."""
        for line, ends in (
            (b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", ENDS),
            (b"PROXY TCP6 2001:db8::1 2001:DB8::2 0 65535\r\n", ENDS_6),
            (b"PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6401 56324 443\r\n", ENDS),
            (b"PROXY UNKNOWN\r\n", None),
            (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", None),
        ):
            self.assertEqual(parse(line + b"rest"), (len(line), ends))
            for at in range(len(line)):
                self.assertIsNone(parse(line[:at]), line[:at])

    def test_refused(self) -> None:
        """What is not exactly such a line."""
        for line in (
            *(b"PROXY", b"PROXY ", b"PROXY TCP4", b"PROXY TCP5 1.2.3.4 1.2.3.4 1 2"),
            *(b"PROXY TCP4 1.2.3.4 1.2.3.4 1", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536"),
            *(b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2", b"PROXY TCP4 1.2.3.4  1.2.3.4 1 2"),
            *(b"PROXY TCP4 1.2.3.256 1.2.3.4 1 2", b"PROXY TCP4 1.2.3.04 1.2.3.4 1 2"),
            *(b"PROXY TCP4 ::1 ::1 1 2", b"PROXY TCP6 1.2.3.4 1.2.3.4 1 2"),
            *(b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 ", b"PROXY TCP6 fe80::1%x ::1 1 2"),
            *(b"PROXY UNKNOWNX", b"PROXY UNKNOWN \r", b"proxy UNKNOWN", b"PROXY\tUNKNOWN"),
        ):
            self.assertTrue(refused(line + b"\r\n"), line)
        self.assertTrue(refused(b"PROXY UNKNOWN\n"))
        for data in (b"GET / HTTP/1.1\r\n", b"PRI * HTTP", b"\x16\x03\x01", b"\0", b"\r\n\r\nX"):
            self.assertTrue(refused(data), data)

    def test_longest(self) -> None:
        """A line ends within its bound."""
        fits = b"PROXY UNKNOWN " + b"x" * 91 + b"\r\n"
        self.assertEqual(len(fits), wire.MOST_TEXT)
        self.assertEqual(parse(fits), (wire.MOST_TEXT, None))
        self.assertIsNone(parse(fits[:-1]))
        self.assertTrue(refused(fits[:-2] + b"x\r\n"))
        self.assertTrue(refused(b"PROXY UNKNOWN " + b"x" * 100))

    def test_written(self) -> None:
        """Both families; two families together as the larger one; none."""
        self.assertEqual(text(ENDS), b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n")
        self.assertEqual(text(ENDS_6), b"PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n")
        self.assertEqual(parse(text((ENDS[0], ENDS_6[0])))[1], (ENDS[0], ENDS_6[0]))  # type: ignore[index]
        for ends in (None, (("", 0), ENDS[1]), (ENDS[0], ("/run/x", 0))):
            self.assertEqual(text(ends), UNKNOWN)


class BinaryTests(SynchronousTestCase):
    """Version 2."""

    def test_read(self) -> None:
        """What it names, however it is cut."""
        packed = bytes([192, 0, 2, 1, 198, 51, 100, 1]) + (56324).to_bytes(2, "big") + b"\x01\xbb"
        for header, ends in (
            (second(content=packed), ENDS),
            (second(content=packed + b"\x04\0\x02no"), ENDS),
            (second(0x20, content=packed), None),
            (second(0x20, 0, b""), None),
            (second(0x20, 0x21, b"anything"), None),
            (second(family=0, content=b""), None),
            (second(family=0x12), None),
            (second(family=0x31, content=b"\0" * 216), None),
            (binary(ENDS_6, [(wire.AUTHORITY, b"a.example")]), ENDS_6),
        ):
            self.assertEqual(parse(header + b"rest"), (len(header), ends))
            for at in range(len(header)):
                self.assertIsNone(parse(header[:at]))

    def test_refused(self) -> None:
        """Other versions, commands and families; what is cut short or too long."""
        for header in (
            second(0x11),
            second(0x31),
            second(0x22),
            second(family=0x41),
            second(family=0x13),
            second(content=b"\0" * 11),
            second(family=0x21, content=b"\0" * 35),
            second(family=0x31, content=b"\0" * 215),
            second(content=b"\0" * 13),
            second(content=b"\0" * 12 + b"\x04\0\x03no"),
            second(content=b"\0" * (wire.MOST_BINARY + 1))[:16],
            SIGNATURE[:5] + b"x",
        ):
            self.assertTrue(refused(header), header)

    def test_checksum(self) -> None:
        """A checksum that is there has to be right."""
        self.assertEqual(wire.checksum(b"123456789"), 0xE3069283)
        blank = second(content=b"\0" * 12 + b"\x03\0\x04" + b"\0" * 4 + b"\x02\0\x01a")
        right = wire.checksum(blank).to_bytes(4, "big")
        header = blank[:31] + right + blank[35:]
        self.assertEqual(parse(header), (len(header), (("0.0.0.0", 0), ("0.0.0.0", 0))))
        self.assertTrue(refused(blank))
        self.assertTrue(refused(header[:-1] + b"b"))

    def test_written(self) -> None:
        """With and without further fields and addresses."""
        self.assertEqual(binary(None), LOCAL)
        self.assertEqual(parse(binary(ENDS))[1], ENDS)  # type: ignore[index]
        header = binary(ENDS, [(wire.ALPN, b"h2"), (wire.AUTHORITY, b"a")])
        self.assertTrue(header.endswith(b"\x01\0\x02h2\x02\0\x01a"))
        self.assertEqual(parse(binary(None, [(2, b"a")])), (20, None))
        six = ("::1", 1), ("::1", 2)
        for ends, family in ((ENDS, 0x12), (six, 0x22)):
            self.assertEqual(binary(ends, datagrams=True)[13], family)

    @given(st.binary(max_size=80))
    def test_anything(self, data: bytes) -> None:
        """Nothing else than a fault comes of octets, with a signature in front or not."""
        for some in (data, SIGNATURE + data, b"PROXY TCP4 " + data):
            try:
                found = parse(some)
            except Fault:
                continue
            if found is not None:
                self.assertLessEqual(found[0], len(some))

    @given(
        st.tuples(*[st.tuples(st.ip_addresses(), st.integers(0, 65535)) for _ in range(2)]),
    )
    def test_round(
        self,
        ends: tuple[
            tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int],
            tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int],
        ],
    ) -> None:
        """What is written is read as it was meant, whatever the families."""

        def plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
            return str(getattr(address, "ipv4_mapped", None) or address)

        given = tuple((str(address), port) for address, port in ends)
        wanted = tuple((plain(address), port) for address, port in ends)
        for write in (text, binary):
            header = write(given)  # type: ignore[arg-type]
            self.assertEqual(parse(header), (len(header), wanted))
