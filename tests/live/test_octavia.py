"""OpenStack's own clients, unmodified, make load balancers that carry traffic."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.balancer import Balancer
from tests.support.members import Member
from tests.support.ports import free_port
from tests.support.programs import need

#: Seconds that a client may take: it imports for longer than it asks.
_PATIENCE = 120
_CLIENT = Path(__file__).with_name("octavia_client.py")


class ClientTests(SynchronousTestCase):
    """One FiberLB without configuration, and a member."""

    def setUp(self) -> None:
        """Start them."""
        self.openstack = need("openstack")
        self.member = Member("one").start()
        self.addCleanup(self.member.stop)
        self.balancer = Balancer()
        self.addCleanup(self.balancer.stop)
        self.balancer.start()
        self.url = f"http://127.0.0.1:{self.balancer.admin}"
        self.port = free_port()

    def said_by(self, *command: str, asked: str = "") -> str:
        """What a program of OpenStack says when it is told things."""
        done = subprocess.run(
            command,
            input=asked,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
            cwd=self.balancer.directory,
            env={**os.environ, "OS_AUTH_TYPE": "none", "OS_ENDPOINT": self.url},
        )
        self.assertEqual(done.stderr, "", done.stdout)
        return done.stdout

    def test_sdk(self) -> None:
        """openstacksdk: everything is made, serves, is listed, changed and taken away."""
        python = Path(self.openstack).resolve().with_name("python")
        ports = (str(self.member.port), str(self.port))
        # -P: beside the program are modules that are not its own.
        said = self.said_by(str(python), "-P", str(_CLIENT), self.url, *ports)
        self.assertEqual(
            json.loads(said),
            {
                "said": "member one\n",
                "named": True,
                "found": True,
                "tagged": ["sdk"],
                "rules": ["/away"],
                "members": ["one"],
                "figures": 1,
                "providers": ["fiberlb", "amphora", "octavia"],
                "quota": -1,
                "description": "d",
                "limit": 5,
                "algorithm": "LEAST_CONNECTIONS",
                "weight": 3,
                "delay": 2,
                "position": 1,
                "value": "/off",
                "children": True,
                "left": 0,
            },
        )

    def test_command_line(self) -> None:
        """C{openstack loadbalancer}: by names, waiting until it is there, unsetting."""
        words = _COMMANDS.format(port=self.port, member=self.member.port)
        said = self.said_by(self.openstack, asked=words).split()
        self.assertEqual(said[1:], "100 SOURCE_IP 2 HTTP 302 /old 5 -1".split())


#: One program for all of them: each would import for seconds.
_COMMANDS = """\
loadbalancer create --name cli --vip-subnet-id 11111111-1111-1111-1111-111111111111 --wait \
-f value -c vip_address
loadbalancer listener create --name front --protocol HTTP --protocol-port {port} \
--connection-limit 100 cli -f value -c connection_limit
loadbalancer pool create --name app --listener front --protocol HTTP --lb-algorithm SOURCE_IP \
-f value -c lb_algorithm
loadbalancer member create --name one --address 127.0.0.1 --protocol-port {member} --weight 2 app \
-f value -c weight
loadbalancer healthmonitor create --delay 2 --timeout 1 --max-retries 2 --type HTTP \
--url-path / app -f value -c type
loadbalancer l7policy create --name old --action REDIRECT_PREFIX \
--redirect-prefix https://new.test front -f value -c redirect_http_code
loadbalancer l7rule create --compare-type STARTS_WITH --type PATH --value /old old \
-f value -c value
loadbalancer member set --weight 5 app one
loadbalancer member show app one -f value -c weight
loadbalancer listener unset --connection-limit front
loadbalancer listener show front -f value -c connection_limit
loadbalancer delete --cascade --wait cli
loadbalancer list -f value -c name
"""
