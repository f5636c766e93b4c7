"""Candidates that have names."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.routing.candidates import COOKIES, HEADERS, MOST_PARAMETERS, PARAMETERS, SPOKEN
from tests.routing.made import request


class NameTests(SynchronousTestCase):
    """Which names a request has."""

    def test_present(self) -> None:
        """Each once, as the source spells them."""
        made = request(b"/?a=1&b=2&a=3", b"h", b"X-A: 1", b"x-a: 2", b"Cookie: c=1; d=2")
        self.assertEqual(set(HEADERS.present(made) or ()), {b"\r\nx-a:", b"\r\ncookie:"})
        self.assertEqual(set(COOKIES.present(made) or ()), {b"c", b"d"})
        self.assertEqual(set(PARAMETERS.present(made) or ()), {b"a", b"b"})
        self.assertEqual(PARAMETERS.texts(made, b"a"), ([b"1", b"3"], False))

    def test_too_many(self) -> None:
        """A query with more parameters than are looked at may have any."""
        made = request(b"/?" + b"&".join([b"x=1"] * MOST_PARAMETERS))
        self.assertEqual(set(PARAMETERS.present(made) or ()), {b"x"})
        made = request(b"/?" + b"&".join([b"x=1"] * (MOST_PARAMETERS + 1)))
        self.assertIsNone(PARAMETERS.present(made))
        self.assertEqual(PARAMETERS.texts(made, b"y"), ((), True))

    def test_spoken(self) -> None:
        """Found out once for a request."""
        made = request(secure=True)
        self.assertIs(SPOKEN.texts(made, b"protocol")[0], SPOKEN.texts(made, b"protocol")[0])
