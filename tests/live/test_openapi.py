"""What openapi.json promises, kept by a running FiberLB whatever is sent (schemathesis)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.live.test_api import ApiCase
from tests.support.ports import free_port

#: Statuses, media types and bodies are as described, and nothing is a defect.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance"
    ",response_schema_conformance"
)
#: What would take the process's workers, keys or time.
LEFT_OUT = "workers/restart|keys|metrics"
#: Requests to each operation.
EXAMPLES = 2
#: Names of objects that are there, some of the file, so that requests get beyond 404.
_KNOWN = """
[parameters]
"path.pool" = ["filed", "spare", "nobody"]
"path.member" = ["one", "127.0.0.1:9"]
"path.listener" = ["filed", "made"]
"path.policy" = ["taken"]
"path.rule" = ["first"]
"path.certificate" = ["nobody"]
"path.load_balancer" = ["default"]
"""


class OpenapiTests(ApiCase):
    """Anything that the description allows, and some that it does not."""

    def test_kept(self) -> None:
        """Every operation, with bodies made of its schema."""
        monitor = {"type": "tcp"}
        spare = {"name": "spare", "members": ["127.0.0.1:9 name=one"], "health_monitor": monitor}
        self.done("POST", "/v1/pools", spare)
        rule = {"name": "first", "path": "/x"}
        policy = {"name": "taken", "action": "reject", "rules": [rule]}
        made = self.listener(
            free_port(), name="made", default_pool_id="spare", l7_policies=[policy]
        )
        self.done("POST", "/v1/listeners", made)
        with tempfile.TemporaryDirectory() as directory:
            Path(directory, "schemathesis.toml").write_text(_KNOWN, "utf-8")
            done = subprocess.run(
                self.command(),
                cwd=directory,
                env={**os.environ, "NO_COLOR": "1", "SCHEMATHESIS_HOOKS": ""},
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
        self.assertEqual(done.returncode, 0, done.stdout[-8000:] + done.stderr[-2000:])
        self.assertEqual(self.ask("GET", "/readyz").status, 200)

    def command(self) -> list[str]:
        """The program, always with the same requests."""
        return [
            *(sys.executable, "-m", "schemathesis.cli", "run"),
            f"http://127.0.0.1:{self.balancer.admin}/openapi.json",
            *("--checks", CHECKS, "--phases", "fuzzing", "--seed", "7"),
            *("--max-examples", str(EXAMPLES), "--exclude-path-regex", LEFT_OUT),
            *("--generation-database", "none", "--suppress-health-check", "all"),
            *("--continue-on-failure", "--no-color"),
        ]
