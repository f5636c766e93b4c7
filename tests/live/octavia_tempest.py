"""
Octavia's own API tests, unmodified, against FiberLB.

Run: C{python -m tests.live.octavia_tempest [REGEX]}, with C{tempest} on the path, in an environment
that has octavia-tempest-plugin. It starts a FiberLB and a stand-in for the rest of OpenStack
(L{stand_in}), and says in the end how many tests passed, failed and were skipped; the exit status
is 0 when none failed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.live.stand_in import USERS, networks
from tests.support.balancer import Balancer
from tests.support.ports import free_port
from tests.support.programs import Program, accepts, need

_TESTS = "tests/api/v2"
ALL = r"octavia_tempest_plugin\.tests\.api\.v2"
#: Minutes that the whole run may take.
_MINUTES = 8

_FIBERLB = """\
version: 1
workers: 0
store: 'memory:'
state_directory: {directory}/state
admin: {{listen: '127.0.0.1:{admin}'}}
octavia:
  keystone: http://127.0.0.1:{stand_in}/v3
  subnets:
"""
_SUBNET = "    - {{id: {id}, network_id: {network}, cidr: '{cidr}'}}\n"
_ACCOUNT = (
    "- {{username: {user}, project_name: {project}, password: x, domain_name: Default,"
    " roles: [{roles}]{types}}}\n"
)
_TEMPEST = """\
[DEFAULT]
log_dir = {directory}
[oslo_concurrency]
lock_path = {directory}/locks
[auth]
use_dynamic_credentials = false
test_accounts_file = {directory}/accounts.yaml
admin_username = admin-1
admin_project_name = admin-1
admin_password = x
admin_domain_name = Default
[identity]
uri_v3 = http://127.0.0.1:{stand_in}/v3
auth_version = v3
region = one
[service_available]
nova = true
glance = true
cinder = false
swift = false
neutron = true
horizon = false
[network]
project_networks_reachable = true
project_network_cidr = 10.77.0.0/16
[load_balancer]
RBAC_test_type = none
log_user_roles = false
test_with_noop = false
build_interval = 0.2
build_timeout = 60
check_interval = 0.2
check_timeout = 60
lb_build_interval = 0.2
lb_build_timeout = 60
provider = fiberlb
expected_flavor_capability = loadbalancer_topology:Taken and without effect.
expected_availability_zone_capability = compute_zone:Taken and without effect.
enabled_provider_drivers = fiberlb:FiberLB.,amphora:Alias.,octavia:Alias.
[loadbalancer-feature-enabled]
not_implemented_is_error = false
[validation]
run_validation = false
"""


def fiberlb(directory: str, admin: int, stand_in: int) -> str:
    """The configuration of FiberLB: it knows the subnets that the stand-in gives out."""
    text = _FIBERLB.format(directory=directory, admin=admin, stand_in=stand_in)
    for network, four, cidr4, six, cidr6 in networks():
        text += _SUBNET.format(id=four, network=network, cidr=cidr4)
        text += _SUBNET.format(id=six, network=network, cidr=cidr6)
    return text


def accounts() -> str:
    """The file of accounts that tempest takes its users from."""
    return "".join(
        _ACCOUNT.format(
            user=user,
            project=project,
            roles=", ".join(roles),
            types=", types: [admin]" if roles == ["admin"] else "",
        )
        for user, (project, roles) in USERS.items()
    )


def workspace(directory: str, stand_in: int) -> Path:
    """Where tempest runs, with its configuration."""
    made = Path(directory, "workspace")
    register = ["--workspace-path", f"{directory}/workspaces.yaml"]
    subprocess.run(
        [need("tempest"), "init", *register, str(made)],
        check=True,
        cwd=directory,
        capture_output=True,
    )
    Path(directory, "accounts.yaml").write_text(accounts())
    settings = _TEMPEST.format(directory=directory, stand_in=stand_in)
    (made / "etc" / "tempest.conf").write_text(settings)
    # Straight to the plugin's tests: tempest's own, which are others' business, take longer to
    # import than these take to run.
    plugin = Path(_plugin())
    stestr = f"[DEFAULT]\ntest_path={plugin / _TESTS}\ntop_dir={plugin.parent}\n"
    (made / ".stestr.conf").write_text(stestr + r"group_regex=([^\.]*\.)*" + "\n")
    return made


def _plugin() -> str:
    """Where the plugin is, in the environment that C{tempest} belongs to."""
    python = Path(need("tempest")).resolve().with_name("python")
    ask = "import octavia_tempest_plugin; print(octavia_tempest_plugin.__path__[0])"
    done = subprocess.run([str(python), "-c", ask], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def counts(output: str) -> dict[str, int]:
    """What tempest says in the end: C{Passed}, C{Skipped}, C{Failed}..., and their number."""
    return {
        name: int(count) for name, count in re.findall(r"^ - ([A-Z][\w ]+): (\d+)$", output, re.M)
    }


def run(expression: str, directory: str) -> int:
    """Start everything, run the tests whose names match, and tell; the exit status."""
    stand_in_port = free_port()
    balancer = Balancer()
    balancer.path.write_text(fiberlb(directory, balancer.admin, stand_in_port))
    octavia = f"http://127.0.0.1:{balancer.admin}"
    stand_in = Program(
        [sys.executable, "-m", "tests.live.stand_in", str(stand_in_port), octavia],
        cwd=str(Path(__file__).parents[2]),
        env=dict(os.environ),
    )
    try:
        stand_in.wait_until(lambda: accepts(stand_in_port))
        balancer.start()
        return _tell(_tempest(workspace(directory, stand_in_port), expression))
    finally:
        balancer.stop()
        stand_in.stop()


def _tempest(where: Path, expression: str) -> str:
    command = [need("tempest"), "run", "--regex", expression, "--concurrency", "2"]
    tests = Program(command, cwd=str(where), env=dict(os.environ))
    try:
        tests.wait(60 * _MINUTES)
    finally:
        tests.stop()
    return tests.output


def _tell(output: str) -> int:
    found = counts(output)
    good = found.get("Passed", 0) > 0 and not found.get("Failed", 1)
    if not good:
        print(output)
    for line in re.findall(r"^Ran: .*$", output, re.M):
        print(line)
    print(
        ", ".join(
            f"{found.get(name, 0)} {name.lower()}" for name in ("Passed", "Failed", "Skipped")
        )
    )
    return 0 if good else 1


if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        os.chdir(scratch)
        sys.exit(run(sys.argv[1] if len(sys.argv) > 1 else ALL, scratch))
