"""Values with variables."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.header_edits import VARIABLES
from fiberlb.treatment.variables import VALUES, identified, template

EVERY = "<" + "|".join(f"{{{name}}}" for name in VARIABLES) + ">"


def asked(**fields: Any) -> Any:
    """A request in progress."""
    services = SimpleNamespace(make_request_id=lambda: "made")
    cell = SimpleNamespace(plan=SimpleNamespace(secure=True), services=services)
    given = {"client": "192.0.2.7", "sni": b"s.example", "authority": b"H.example:81"}
    conn = SimpleNamespace(version="TLSv1.3")
    return SimpleNamespace(**{**given, "request_id": "", "cell": cell, "conn": conn, **fields})


class TemplateTests(SynchronousTestCase):
    """Compiled once."""

    def test_all(self) -> None:
        """Each variable has its value."""
        self.assertEqual(set(VALUES), set(VARIABLES))
        made = template(EVERY).render(asked())
        self.assertEqual(made, b"<192.0.2.7|made|s.example|TLSv1.3|h.example|https>")

    def test_constant(self) -> None:
        """A value without variables is known beforehand, braces of another kind included."""
        self.assertEqual(template('{"a": "é"}').constant, '{"a": "é"}'.encode())
        self.assertIsNone(template("{host}").constant)
        self.assertEqual(template("").constant, b"")

    def test_passing(self) -> None:
        """Only an id differs between two requests of one head."""
        passing = {name for name in VARIABLES if template(f"x{{{name}}}").passing}
        self.assertEqual(passing, {"request_id"})

    def test_absent(self) -> None:
        """Where there is nothing to say nothing is said."""
        nothing = asked(client="unix:", sni=None, authority=b"", conn=object())
        self.assertEqual(template(EVERY).render(nothing), b"<|made||||https>")

    def test_identified(self) -> None:
        """An id stays what it is."""
        one = asked(request_id="given")
        self.assertEqual((identified(one), one.request_id), ("given", "given"))

    @given(st.text(max_size=30), st.binary(max_size=30), st.binary(max_size=30))
    def test_traffic(self, client: str, sni: bytes, authority: bytes) -> None:
        """Whatever a client says of itself, it is told as it is or not at all."""
        made = template("{client_ip}\t{sni}\t{host}").render(
            asked(client=client, sni=sni, authority=authority)
        )
        self.assertIsNotNone(re.fullmatch(rb"[\x21-\x7e]*\t[\x21-\x7e]*\t[\x21-\x7e]*", made))
        told = made.split(b"\t")
        self.assertIn(told[0], (b"", client.encode("utf-8", "replace")))
        self.assertIn(told[1], (b"", sni))
