"""
A whole life by openstacksdk; it runs in a Python that has it, with the address of FiberLB.

Run: C{python octavia_client.py URL MEMBER_PORT PORT}. What it prints is a JSON document of what it
saw, on its last line.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from typing import Any

import openstack  # type: ignore[import-not-found, unused-ignore]

SUBNET = "11111111-1111-1111-1111-111111111111"


def made(octavia: Any, member: int, port: int) -> dict[str, Any]:
    """Everything that a load balancer can have, by name."""
    balancer = octavia.create_load_balancer(name="sdk", vip_subnet_id=SUBNET, tags=["blue"])
    octavia.wait_for_load_balancer(balancer.id, interval=1, wait=60)
    listener = octavia.create_listener(
        name="front",
        protocol="HTTP",
        protocol_port=port,
        load_balancer_id=balancer.id,
        insert_headers={"X-Forwarded-For": "true"},
    )
    pool = octavia.create_pool(
        name="app", protocol="HTTP", lb_algorithm="ROUND_ROBIN", listener_id=listener.id
    )
    one = octavia.create_member(
        pool, name="one", address="127.0.0.1", protocol_port=member, subnet_id=SUBNET
    )
    monitor = octavia.create_health_monitor(
        pool_id=pool.id, type="HTTP", delay=1, timeout=1, max_retries=1, expected_codes="200-204"
    )
    policy = octavia.create_l7_policy(
        name="away",
        listener_id=listener.id,
        action="REDIRECT_TO_URL",
        redirect_url="http://away.test/",
    )
    rule = octavia.create_l7_rule(policy, type="PATH", compare_type="STARTS_WITH", value="/away")
    return {
        "balancer": balancer,
        "listener": listener,
        "pool": pool,
        "member": one,
        "monitor": monitor,
        "policy": policy,
        "rule": rule,
    }


def looked(octavia: Any, there: dict[str, Any]) -> dict[str, Any]:
    """What the lists, the filters and the figures say."""
    balancer = there["balancer"]
    return {
        "named": [one.id for one in octavia.load_balancers(name="sdk")] == [balancer.id],
        "found": octavia.find_load_balancer("sdk").id == balancer.id,
        "tagged": [one.name for one in octavia.load_balancers(tags="blue")],
        "rules": [one.rule_value for one in octavia.l7_rules(there["policy"])],
        "members": [one.name for one in octavia.members(there["pool"])],
        "figures": octavia.get_load_balancer_statistics(balancer.id).total_connections,
        "providers": [one.name for one in octavia.providers()],
        "quota": octavia.get_quota_default().load_balancers,
    }


def changed(octavia: Any, there: dict[str, Any]) -> dict[str, Any]:
    """What answers say after a change."""
    pool = there["pool"]
    return {
        "description": octavia.update_load_balancer(there["balancer"], description="d").description,
        "limit": octavia.update_listener(there["listener"], connection_limit=5).connection_limit,
        "algorithm": octavia.update_pool(pool, lb_algorithm="LEAST_CONNECTIONS").lb_algorithm,
        "weight": octavia.update_member(there["member"], pool, weight=3).weight,
        "delay": octavia.update_health_monitor(there["monitor"], delay=2).delay,
        "position": octavia.update_l7_policy(there["policy"], position=1).position,
        "value": octavia.update_l7_rule(
            there["rule"], there["policy"], rule_value="/off"
        ).rule_value,
    }


def ended(octavia: Any, there: dict[str, Any]) -> dict[str, Any]:
    """What is refused, and what is gone."""
    balancer = there["balancer"]
    refused = ""
    try:
        octavia.delete_load_balancer(balancer.id)
    except openstack.exceptions.BadRequestException as why:
        refused = str(why)
    octavia.delete_l7_rule(there["rule"], there["policy"])
    octavia.delete_member(there["member"], there["pool"])
    octavia.delete_load_balancer(balancer.id, cascade=True)
    return {
        "children": "has children" in refused,
        "left": len(list(octavia.load_balancers(name="sdk"))),
    }


def main(url: str, member: int, port: int) -> dict[str, Any]:
    """The whole life."""
    cloud = openstack.connection.Connection(auth_type="none", auth={"endpoint": url})
    octavia = cloud.load_balancer
    there = made(octavia, member, port)
    with urllib.request.urlopen(f"http://{there['balancer'].vip_address}:{port}/") as answer:
        said = answer.read().decode()
    return {
        "said": said,
        **looked(octavia, there),
        **changed(octavia, there),
        **ended(octavia, there),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
