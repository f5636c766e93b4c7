"""Tokens: good ones, and what strangers make of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.guards.key_set import BETWEEN, LASTING
from fiberlb.guards.tokens import LEEWAY, MOST_KNOWN, Tokens
from fiberlb.guards.web import Answer, Unanswered
from fiberlb.model.jwt import Jwt
from fiberlb.treatment.draft import Reply

URL = "https://id.example/jwks"
WANTED = Jwt(jwks_url=URL, issuer="https://id.example", audience=("api",))
NOW = 1_800_000_000.0
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
_FORMS: Any = {"RS256": jwt.algorithms.RSAAlgorithm, "ES256": jwt.algorithms.ECAlgorithm}
_FORMS["EdDSA"] = jwt.algorithms.OKPAlgorithm
KEYS: dict[str, Any] = {"RS256": RSA, "ES256": EC, "EdDSA": ED}


def jwk(algorithm: str, key: Any, **more: Any) -> dict[str, Any]:
    """A public key as providers publish it."""
    found: dict[str, Any] = json.loads(_FORMS[algorithm].to_jwk(key.public_key()))
    return {**found, "kid": algorithm, "use": "sig", **more}


SET = json.dumps({"keys": [jwk(name, key) for name, key in KEYS.items()]}).encode()


def token(algorithm: str = "RS256", head: Any = None, key: Any = None, **claims: Any) -> str:
    """A token; C{None} takes a claim away."""
    body = {"iss": "https://id.example", "aud": "api", "exp": NOW + 60, "sub": "alice", **claims}
    body = {name: value for name, value in body.items() if value is not None}
    signer: Any = KEYS.get(algorithm) if key is None else key
    return jwt.encode(body, signer, algorithm, {"kid": algorithm, **(head or {})})


def part(value: Any) -> str:
    """One part of a token, made by hand."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


class TokensTests(SynchronousTestCase):
    """What is let in."""

    def setUp(self) -> None:
        """A provider that answers when it is told."""
        self.now, self.wall = 0.0, NOW
        self.asked: list[Deferred[Any]] = []
        self.warned: list[str] = []
        self.tokens = Tokens(
            self.ask, lambda: self.now, lambda: self.wall, lambda url, why: self.warned.append(why)
        )

    def ask(self, url: str, fields: Any, most: int, patience: float) -> Deferred[Any]:
        """A question."""
        done: Deferred[Any] = Deferred()
        self.asked.append(done)
        return done

    def judged(self, one: str, wanted: Jwt = WANTED) -> Any:
        """What becomes of a token."""
        judge: Any = lambda found: found  # noqa: E731
        return self.tokens.judged(wanted, one, judge)

    def known(self) -> None:
        """The keys are there."""
        first = self.judged(token())
        self.asked.pop().callback(Answer(200, [], SET))
        self.assertEqual(self.successResultOf(first)["sub"], "alice")

    def test_good(self) -> None:
        """Of each kind of key, in time, for one audience of several."""
        self.known()
        for one in (
            token("RS256"),
            token("ES256"),
            token("EdDSA"),
            token(aud=["x", "api"]),
            token(exp=NOW - LEEWAY + 1),
            token(nbf=NOW + LEEWAY - 1),
            jwt.encode({"iss": WANTED.issuer, "aud": "api", "exp": NOW + 1}, RSA, "PS512"),
        ):
            self.assertIsInstance(self.judged(one), dict, one)
        self.assertEqual(self.asked, [])

    def test_bad(self) -> None:
        """Everything else, each for its reason."""
        self.known()
        public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        good = token().split(".")
        claims = {"iss": WANTED.issuer, "aud": "api", "exp": NOW + 60}
        confused = f"{part({'alg': 'HS256', 'kid': 'RS256'})}.{part(claims)}"
        mac = hmac.new(public, confused.encode(), hashlib.sha256).digest()
        cases = (
            (f"{part({'alg': 'none'})}.{part(claims)}.{part(b'x')}", "its algorithm is not taken"),
            (f"{confused}.{part(mac)}", "its algorithm is not taken"),
            (f"{part({'alg': ['RS256']})}.{good[1]}.{good[2]}", "its algorithm is not taken"),
            (token(exp=NOW - LEEWAY - 1), "it has expired"),
            (token(exp=None), "a claim is missing"),
            (token(iss=None), "a claim is missing"),
            (token(aud=None), "a claim is missing"),
            (token(nbf=NOW + LEEWAY + 1), "it is not valid yet"),
            (token(iss="https://evil.example"), "it is of another issuer"),
            (token(aud="other"), "it is for another audience"),
            (token(exp=True), "its times are no numbers"),
            (token(key=rsa.generate_private_key(65537, 2048)), "its signature is wrong"),
            (f"{good[0]}.{part(claims)}.{good[2]}", "its signature is wrong"),
            (f"{good[0]}.{good[1]}.{part(b'')}x", "this is no token"),
            (token(head={"crit": ["x"], "x": 1}), "this is no token"),
            ("a.b.c", "this is no token"),
            (f"{part([])}.{good[1]}.{good[2]}", "this is no token"),
            (f"{part(b'[' * 5000)}.{good[1]}.{good[2]}", "this is no token"),
        )
        for one, why in cases:
            found = self.judged(one)
            self.assertIsInstance(found, str, one)
            if why != "this is no token" and "signature" not in why:
                self.assertEqual(found, why, one)
        self.assertEqual(self.asked, [])

    def test_remembered(self) -> None:
        """A good one is not checked again, but it ends in time, and with its keys."""
        self.known()
        one = token(exp=NOW + 10)
        claims = self.judged(one)
        self.assertIs(self.judged(one), claims)
        other = Jwt(jwks_url=URL, issuer="https://other.example", audience=("api",))
        self.assertEqual(self.judged(one, other), "it is of another issuer")
        self.wall = NOW + 10 + LEEWAY
        self.assertEqual(self.judged(one), "it has expired")
        self.wall, self.now = NOW, LASTING + 1
        self.assertIs(self.judged(one), claims)
        new = json.dumps({"keys": [jwk("ES256", EC)]}).encode()
        self.asked.pop().callback(Answer(200, [], new))
        self.assertEqual(self.judged(one), "its key is not known")
        known = vars(self.tokens)["_known"]
        first = next(iter(known))
        known.update({(WANTED, b"%d" % n): known[first] for n in range(MOST_KNOWN)})
        self.judged(token("ES256"))
        self.assertEqual(len(known), MOST_KNOWN)
        self.assertNotIn(first, known)

    def test_audience(self) -> None:
        """Where none is configured, a token for somebody is for somebody else."""
        self.known()
        anyone = Jwt(jwks_url=URL, issuer=WANTED.issuer)
        self.assertIsInstance(self.judged(token(), anyone), str)
        self.assertIsInstance(self.judged(token(aud=None), anyone), dict)

    def test_unknown_key(self) -> None:
        """The keys are fetched once for those who invent names, whatever these are."""
        self.known()
        for kid in ("../../etc/passwd", "' OR 1=1", "x" * 5000, "http://evil.example/"):
            self.assertEqual(self.judged(token(head={"kid": kid})), "its key is not known")
        self.now = BETWEEN
        found = [self.judged(token(head={"kid": "new"})) for _ in range(5)]
        self.assertEqual(len(self.asked), 1)
        new = json.dumps({"keys": [jwk("RS256", RSA, kid="new")]}).encode()
        self.asked.pop().callback(Answer(200, [], new))
        for one in found:
            self.assertEqual(self.successResultOf(one)["sub"], "alice")

    def test_away(self) -> None:
        """Without keys nobody is let in; with old ones everybody is who was."""
        first = self.judged(token())
        self.asked.pop().errback(Unanswered("is away"))
        self.assertEqual(self.successResultOf(first), Reply(status=503, reason="auth_failed"))
        self.assertEqual(self.judged(token()), Reply(status=503, reason="auth_failed"))
        self.now = BETWEEN
        self.known()
        for answer in (Answer(500, [], SET), Answer(200, [], b"<html>"), Answer(200, [], b"{}")):
            self.now += LASTING + 1
            self.assertIsInstance(self.judged(token()), dict)
            self.asked.pop().callback(answer)
            self.assertIsInstance(self.judged(token()), dict)
        self.assertEqual(len(self.warned), 4)

    def test_gone(self) -> None:
        """A client that does not wait is no matter."""
        first = self.judged(token())
        first.cancel()
        self.failureResultOf(first)
        self.asked.pop().callback(Answer(200, [], SET))
        self.assertIsInstance(self.judged(token()), dict)
