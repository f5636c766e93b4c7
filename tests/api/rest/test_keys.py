"""The key-encryption keys in the API."""

from __future__ import annotations

from tests.api.rest.asking import Asking
from tests.support.certificates import leaf


class KeysTests(Asking):
    """C{/v1/keys}; the stage's keys are of its process alone."""

    def test_listed(self) -> None:
        """Ids and counts."""
        one = leaf("a.test")
        body = {"name": "a", "certificate": one.pem, "private_key": one.key_pem()}
        self.post("/v1/certificates", body)
        (item,) = self.get("/v1/keys").document["items"]
        self.assertEqual((item["sealed"], item["present"]), (2, True))
        self.assertRegex(item["id"], "^[0-9a-f]{16}$")

    def test_refused(self) -> None:
        """Why they stay is told; a body, a form of another site and other words are refused."""
        problem = self.refusal(self.ask("POST", "/v1/keys/rotate"), 415, "media_type")
        for what in ("rotate", "reseal"):
            path = f"/v1/keys/{what}"
            problem = self.refusal(self.ask("POST", path, raw=b""), 409, "keys_unchanged")
            self.assertIn("of this process alone", problem["detail"])
        self.refusal(self.ask("POST", "/v1/keys/rotate", {}), 400, "malformed")
        self.refusal(self.ask("POST", "/v1/keys/nope", raw=b""), 404, "not_found")
        self.refusal(self.ask("GET", "/v1/keys/rotate"), 405, "method_not_allowed")
