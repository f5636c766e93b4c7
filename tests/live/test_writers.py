"""Many writers at once: whatever is acknowledged is there."""

from __future__ import annotations

import json
import threading
from typing import Any

from tests.live.test_api import ApiCase
from tests.support.clients import request

WRITERS = 100


class WriterTests(ApiCase):
    """A hundred of them, against SQLite, each in a thread and with a connection of its own."""

    def test_none_lost(self) -> None:
        """Every pool, every description and every revision is there; refused is what was late."""
        self.done("POST", "/v1/pools", {"name": "shared"})
        tag = self.done("GET", "/v1/pools/shared")["revision"]
        done: list[tuple[int, int]] = []
        late: list[int] = []
        answers: list[int] = []

        def write(number: int) -> None:
            mine = {"op": "create", "path": "/pools", "body": {"name": f"p{number}"}}
            other = {"op": "create", "path": f"/pools/p{number}/members", "body": "127.0.0.1:9"}
            found = self.post({"operations": [mine, other]})
            self.assertEqual(found.status, 200, found.text)
            done.append((number, json.loads(found.body)["revision"]))
            change = {"description": str(number)}
            race = {"op": "patch", "path": "/pools/shared", "body": change, "if_match": f'"{tag}"'}
            found = self.post({"operations": [race]})
            answers.append(found.status)
            if found.status == 200:
                late.append(number)

        threads = [threading.Thread(target=write, args=(n,)) for n in range(WRITERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(done), WRITERS)
        self.assertEqual(sorted(answers), [200] + [412] * (WRITERS - 1))
        self.assertEqual(len({revision for _, revision in done}), WRITERS)
        names = {pool["name"] for pool in self.done("GET", "/v1/pools?limit=1000")["items"]}
        self.assertTrue({f"p{number}" for number in range(WRITERS)} <= names)
        (winner,) = late
        self.assertEqual(self.done("GET", "/v1/pools/shared")["description"], str(winner))
        self.assertEqual(self.done("GET", "/v1/status")["revision"], WRITERS + 2)

    def post(self, body: Any) -> Any:
        """A transaction."""
        fields = {"Content-Type": "application/json"}
        data = json.dumps(body).encode()
        return request(
            self.balancer.admin, "/v1/transactions", method="POST", headers=fields, body=data
        )
