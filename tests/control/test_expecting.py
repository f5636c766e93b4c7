"""Tests of a configuration file: what they find, and what they keep from happening."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.expecting import failures
from fiberlb.control.operations import Op, Operation
from fiberlb.errors import ConfigurationError
from tests.control.loading import load
from tests.control.stage import Stage

_OBJECTS = """\
pools: [{name: a}, {name: b}]
listeners:
  - {name: web, port: 80, protocol: http, default_pool_id: a}
  - {name: thru, port: 443, protocol: https}
l7_policies:
  - {name: api, listener_id: web, redirect_pool_id: b, rules: [{path: /api, compare_type: under}]}
  - {name: old, listener_id: web, redirect_url: "https://n.example/",
     rules: [{host_name: o.example}]}
  - {name: no, listener_id: web, action: reject, rules: [{source_ip: 10.0.0.0/8}]}
"""


class FailuresTests(SynchronousTestCase):
    """One listener, many requests."""

    def found(self, *tests: str) -> list[str]:
        """What tests have against the configuration."""
        lines = "".join(f"  - {test}\n" for test in tests)
        stage = Stage(self, f"{_OBJECTS}tests:\n{lines}")
        control = stage.control
        assert control.snapshot is not None
        problems = failures(control.snapshot, control.state.file.settings)
        return [problem.message for problem in problems]

    def test_pass(self) -> None:
        """Policies, pools, redirects, answers; by name, and nobody at all."""
        self.assertEqual(
            self.found(
                '{request: {url: "http://x/api/1"}, expect: {policy: api, pool: b}}',
                '{request: {url: "http://x/"}, expect: {policy: "", pool: a}}',
                '{request: {url: "http://o.example/"}, expect: {redirect: "https://n.example/",'
                " status: 302}}",
                '{request: {url: "http://x/", from_ip: 10.1.1.1},'
                " expect: {policy: no, status: 403}}",
                '{listener: web, request: {url: "/a b"}, expect: {status: 400, pool: ""}}',
                '{request: {url: "https://x/"}, expect: {status: 503}}',
            ),
            [],
        )

    def test_fail(self) -> None:
        """Each expectation that is not met, with what happens instead."""
        self.assertEqual(
            self.found(
                '{name: t, request: {url: "http://x/"}, expect: {policy: api, pool: b, status: 200,'
                " redirect: /}}"
            ),
            [
                f"test 't': {what}; the request goes to pool 'a' by no policy"
                for what in (
                    "expects policy 'api', not no policy",
                    "expects pool 'b', not pool 'a'",
                    "expects a redirect to '/'",
                    "expects the status 200",
                )
            ],
        )

    def test_listener(self) -> None:
        """Which one is meant must be known."""
        found = self.found(
            "{listener: x, request: {}, expect: {status: 1}}".replace("1", "100"),
            "{request: {}, expect: {status: 100}}",
        )
        self.assertIn("no listener 'x' serves", found[0])
        self.assertIn("several listeners would get it", found[1])


class EnforcedTests(SynchronousTestCase):
    """C{enforce_tests}."""

    FILE = (
        "enforce_tests: true\npools: [{name: a}]\n"
        "listeners: [{name: web, port: 80, protocol: http, default_pool_id: a}]\n"
        'tests: [{name: home, request: {url: "http://x/"}, expect: {pool: a}}]\n'
    )

    def policy(self, path: str) -> Operation:
        """A new policy that rejects a path."""
        rules = [{"path": path, "compare_type": "starts_with"}]
        body = {"listener_id": "web", "action": "reject", "rules": rules}
        return Operation(op=Op.CREATE, collection="l7_policies", body=body)

    def test_write(self) -> None:
        """What would make a test fail is refused, with the place of the test; the rest is not."""
        stage = Stage(self, self.FILE)
        stage.write(self.policy("/x"))
        before = stage.control.revision
        why = stage.refused(ConfigurationError, self.policy("/"))
        (problem,) = why.problems
        self.assertEqual((problem.code, problem.position.line), ("test_failed", 4))
        self.assertEqual(stage.control.revision, before)

    def test_reload(self) -> None:
        """A file whose tests fail does not take the place of one whose tests do not."""
        stage = Stage(self, self.FILE)
        changed = self.FILE.replace("expect: {pool: a}", 'expect: {pool: ""}')
        waiting = stage.control.reload(load(self, changed))
        why = self.failureResultOf(waiting, ConfigurationError).value
        self.assertIn("expects no pool, not pool 'a'", str(why))
        self.assertEqual(stage.control.file_generation, 1)
