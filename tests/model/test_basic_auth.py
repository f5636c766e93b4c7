"""Users with passwords as they are configured."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.basic_auth import BasicAuth, NotUsers, UsersFile, users_of
from fiberlb.model.convert import structure, unstructure
from fiberlb.model.fields import Loading

BCRYPT = "$2b$04$" + "a" * 53
ARGON2 = "$argon2id$v=19$m=65536,t=3,p=4$" + "A" * 22 + "$" + "A" * 43


class UsersTests(SynchronousTestCase):
    """Files."""

    def test_taken(self) -> None:
        """Both hashes, comments, and nobody."""
        text = f"# staff\n\nalice:{BCRYPT}\r\nb o b:{ARGON2}\n"
        self.assertEqual(users_of(text), (("alice", BCRYPT), ("b o b", ARGON2)))
        self.assertEqual(users_of(""), ())

    def test_refused(self) -> None:
        """Other hashes, ones that take too long, and what is no line; nothing of it is told."""
        for line in (
            "alice:secret",
            "alice:$apr1$abcdefgh$0123456789012345678901",
            "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
            "alice:" + BCRYPT.replace("$04$", "$31$"),
            "alice:" + BCRYPT.replace("$04$", "$03$"),
            "alice:" + ARGON2.replace("65536", "999999"),
            "alice:" + ARGON2.replace("t=3", "t=99"),
            "alice:" + ARGON2.replace("argon2id", "argon2i"),
            "alice:" + ARGON2.replace("p=4", "p=0"),
            f"alice:{BCRYPT}:x",
            f":{BCRYPT}",
            f"a\x00b:{BCRYPT}",
            "alice",
            f"first:{BCRYPT}",
        ):
            with self.assertRaises(NotUsers) as caught:
                users_of(f"first:{BCRYPT}\n{line}\n")
            told = str(caught.exception)
            self.assertIn("line 2", told)
            self.assertNotIn("secret", told)
            self.assertNotIn("$2b$", told)


class BasicAuthTests(SynchronousTestCase):
    """The key."""

    def load(self, value: Any, text: str | None) -> tuple[BasicAuth | None, list[str]]:
        """What it becomes, with a file of this text."""
        loading = Loading(None if text is None else lambda name: text)
        made = structure(BasicAuth, value, ("basic_auth",), loading)
        return made, [f"{problem.field}: {problem.message}" for problem in loading.problems]

    def test_taken(self) -> None:
        """A file, in both spellings; nothing."""
        for name in ("users", "file:users"):
            made, told = self.load({"users_file": name}, f"a:{BCRYPT}")
            self.assertEqual(told, [])
            assert made is not None
            self.assertEqual(made.users_file, UsersFile("users", (("a", BCRYPT),)))
            self.assertNotIn(BCRYPT, repr(made))
            self.assertEqual(unstructure(made)["users_file"], "users")
        made, told = self.load({}, None)
        self.assertTrue(made is not None and made.nothing)

    def test_refused(self) -> None:
        """By the API, without a file, and what would end the challenge's line."""
        wrong: tuple[tuple[Any, str | None, str], ...] = (
            ({"users_file": "users"}, None, "users_file: names a file"),
            ({"realm": "x"}, None, "users_file: is needed"),
            ({"users_file": "users"}, "a:b", "users_file: users: line 1"),
            ({"users_file": "users", "realm": 'a"b'}, "", "realm: must be"),
            ({"users_file": "users", "realm": "a\r\nb"}, "", "realm: must"),
        )
        for value, text, wanted in wrong:
            _, (told,) = self.load(value, text)
            self.assertIn(wanted, told)
