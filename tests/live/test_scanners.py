"""What scanners of TLS say of a listener as it is by default."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.balancer import Balancer
from tests.support.certificates import authority, leaf
from tests.support.members import Member
from tests.support.ports import free_port
from tests.support.programs import need

_CONFIGURATION = """
certificates:
  - {{name: ec, certificate: "file:ec.pem"}}
  - {{name: rsa, certificate: "file:rsa.pem"}}
pools:
  - {{name: web, members: ["{member}"]}}
listeners:
  - name: secure
    address: 127.0.0.1
    port: {port}
    protocol: https
    default_pool_id: web
    tls_config: {{certificate_id: [ec, rsa]}}
"""
#: About the certificates of this test and the site, not about how TLS is spoken.
_NOT_OURS = ("cert_", "DNS_CAArecord", "OCSP", "HSTS", "scan", "engine_problem", "HTTP_", "BREACH")
#: Severities of testssl.sh that are no finding; a warning is about what it cannot test here.
_FINE = frozenset({"OK", "INFO", "LOW", "DEBUG", "WARN"})


class ScannerTests(SynchronousTestCase):
    """Nothing of medium severity or worse."""

    def setUp(self) -> None:
        """A listener with nothing but certificates; the keys are of either kind."""
        self.member = Member("a").start()
        self.addCleanup(self.member.stop)
        self.port = free_port()
        self.balancer = Balancer(
            _CONFIGURATION.format(member=self.member.address, port=self.port), workers=1
        )
        self.addCleanup(self.balancer.stop)
        for kind in ("ec", "rsa"):
            one = leaf("localhost", kind=kind)
            self.file(f"{kind}.pem", one.chain + one.key_pem())
        self.root = self.file("root.pem", authority().pem)
        self.balancer.start(self.port)

    def file(self, name: str, text: str) -> str:
        """A file beside the configuration; its path."""
        path = Path(self.balancer.directory, name)
        path.write_text(text)
        return str(path)

    def scan(self, *command: str, patience: float) -> None:
        """Run a scanner to its end."""
        subprocess.run(
            command, timeout=patience, check=False, capture_output=True, stdin=subprocess.DEVNULL
        )

    def test_sslyze(self) -> None:
        """sslyze finds Mozilla's intermediate configuration, but for the trust in our authority."""
        program = need("sslyze")
        report = Path(self.balancer.directory, "sslyze.json")
        self.scan(program, f"--json_out={report}", f"127.0.0.1:{self.port}", patience=120)
        (found,) = json.loads(report.read_text())["server_scan_results"]
        result = {name: value["result"] for name, value in found["scan_result"].items()}
        for old in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"):
            self.assertEqual(result[f"{old}_cipher_suites"]["accepted_cipher_suites"], [], old)
        suites = {
            one["cipher_suite"]["name"]
            for version in ("tls_1_2", "tls_1_3")
            for one in result[f"{version}_cipher_suites"]["accepted_cipher_suites"]
        }
        self.assertEqual(len(suites), 9)
        for suite in suites:
            self.assertRegex(suite, r"^TLS_(ECDHE_(RSA|ECDSA)_WITH_)?(AES_...|CHACHA20)_(GCM|POLY)")
        curves = {one["name"] for one in result["elliptic_curves"]["supported_curves"]}
        self.assertEqual(curves, {"X25519", "secp256r1", "secp384r1"})
        self.assertFalse(result["heartbleed"]["is_vulnerable_to_heartbleed"])
        self.assertFalse(result["tls_compression"]["supports_compression"])
        self.assertTrue(result["tls_fallback_scsv"]["supports_fallback_scsv"])
        self.assertTrue(result["tls_extended_master_secret"]["supports_ems_extension"])
        again = result["session_renegotiation"]
        self.assertFalse(again["is_vulnerable_to_client_renegotiation_dos"])
        self.assertTrue(again["supports_secure_renegotiation"])

    def test_testssl(self) -> None:
        """testssl.sh has nothing to say of protocols, suites, forward secrecy and known holes."""
        program = need("testssl")
        report = Path(self.balancer.directory, "testssl.json")
        options = ["--quiet", "--warnings=off", "--color=0", "--fast", "--ip=127.0.0.1"]
        tests = ["-p", "-s", "-f", "-P", "-U"]
        self.scan(
            program,
            *options,
            *tests,
            f"--add-ca={self.root}",
            f"--jsonfile={report}",
            f"localhost:{self.port}",
            patience=600,
        )
        found = json.loads(report.read_text())
        self.assertIn("heartbleed", {one["id"] for one in found})
        self.assertIn("TLS1_3", {one["id"] for one in found})
        bad = [
            (one["severity"], one["id"], one["finding"])
            for one in found
            if one["severity"] not in _FINE and not one["id"].startswith(_NOT_OURS)
        ]
        self.assertEqual(bad, [])
