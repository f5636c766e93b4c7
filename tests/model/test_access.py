"""Roles and tokens."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.access import Moment, Role, TokenSetting, TokenText, digest
from fiberlb.model.convert import unstructure
from fiberlb.model.fields import Loading
from tests.model.documents import loaded, made, problems, refused, values

TOKEN = "secret-secret-secret"


def _unreadable(name: str) -> str:
    raise FileNotFoundError(2, "No such file")


class RoleTests(SynchronousTestCase):
    """Who may do what others may."""

    def test_order(self) -> None:
        """Each may do what the ones before it may."""
        roles = [Role.READ, Role.OPERATE, Role.WRITE, Role.ADMIN]
        for index, role in enumerate(roles):
            allowed = [needed for needed in roles if role.allows(needed)]
            self.assertEqual(allowed, roles[: index + 1])


class TokenTests(SynchronousTestCase):
    """Tokens of the file."""

    def test_short(self) -> None:
        """A text is a token of an admin."""
        found = made(TokenSetting, token=TOKEN)
        self.assertEqual((found.role, found.name, found.expires_at), (Role.ADMIN, None, None))
        short = TokenSetting.expand(TOKEN, (), Loading())
        self.assertEqual(short, {"token": TOKEN})

    def test_long(self) -> None:
        """Everything is given."""
        found = made(
            TokenSetting,
            name="ci",
            role="Write",
            token=TOKEN,
            project="p",
            expires_at="2027-01-31T08:00:00Z",
        )
        self.assertEqual((found.name, found.role, found.project), ("ci", Role.WRITE, "p"))
        self.assertEqual(found.expires_at, 1801382400.0)

    def test_secret(self) -> None:
        """The text is nowhere to be found afterwards."""
        found = made(TokenSetting, token=TOKEN)
        self.assertEqual(found.token, digest(TOKEN))
        self.assertNotIn(TOKEN, repr(found))
        self.assertNotIn(found.token, repr(found))
        self.assertNotIn(TOKEN, str(unstructure(found)))

    def test_file(self) -> None:
        """It may stand in a file, with an end of line."""
        loading = Loading(lambda name: f"{TOKEN}\n")
        self.assertEqual(TokenText().load("file:t", ("token",), loading), digest(TOKEN))
        loading = Loading(_unreadable)
        TokenText().load("file:t", ("token",), loading)
        self.assertEqual(str(loading.problems[0]), "token: cannot read t: No such file")

    def test_digest(self) -> None:
        """The digest may stand in the file in its place."""
        self.assertEqual(loaded(TokenText(), digest(TOKEN)), digest(TOKEN))

    def test_refused(self) -> None:
        """What could be guessed or cannot be sent; the text is not told."""
        for value in values("short", "x" * 513, "with a space in it", "wörd-wörd-wörd-wörd"):
            self.assertNotIn(str(value), refused(TokenText(), value))
        self.assertIn("openssl rand -hex 32", refused(TokenText(), "short"))
        self.assertEqual(problems(TokenSetting, {"role": "read"}), ["token: is needed"])

    def test_names(self) -> None:
        """Names are fit for logs."""
        for name in ("a b", "", "a\n", "-a"):
            self.assertEqual(len(problems(TokenSetting, {"token": TOKEN, "name": name})), 1, name)


class MomentTests(SynchronousTestCase):
    """Times."""

    def test_times(self) -> None:
        """With a zone; told in UTC."""
        at = loaded(Moment(), "2027-01-31T09:00:00+01:00")
        self.assertEqual(Moment().dump(at), "2027-01-31T08:00:00Z")
        self.assertIn("has no zone", refused(Moment(), "2027-01-31T09:00:00"))
        self.assertIn("must be a time", refused(Moment(), "tomorrow"))
