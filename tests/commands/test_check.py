"""Tests of L{fiberlb.commands.check}."""

from __future__ import annotations

from click.testing import Result
from twisted.trial.unittest import SynchronousTestCase

from tests.control.loading import written
from tests.support.certificates import leaf
from tests.test_cli import invoke

GOOD = """\
pools:
- {name: app, members: [10.0.0.1:80, 10.0.0.2:80]}
listeners:
- {name: web, port: 8080, protocol: http, default_pool_id: app}
l7_policies:
- {listener_id: web, action: reject, rules: [{path: /x}]}
"""


class CheckTests(SynchronousTestCase):
    """C{fiberlb check}."""

    def check(self, text: str, **environ: str) -> tuple[Result, str]:
        """The result for a file, and the file's path."""
        path = f"{written(self, {'f.yaml': text})}/f.yaml"
        return invoke("check", "-c", path, **environ), path

    def test_good(self) -> None:
        """One line that counts what there is, and exit code 0."""
        result, path = self.check(GOOD)
        self.assertEqual(result.stdout, f"{path}: ok: 1 listener, 1 pool, 2 members, 1 policy\n")
        self.assertEqual((result.exit_code, result.stderr), (0, ""))

    def test_tests(self) -> None:
        """The file's tests: how many pass, or what happens instead, with its place."""
        test = 'tests: [{request: {url: "http://x/x"}, expect: {status: 403, pool: ""}}]\n'
        result, path = self.check(GOOD + test)
        self.assertEqual(
            result.stdout,
            f"{path}: ok: 1 listener, 1 pool, 2 members, 1 policy, 1 test passes\n",
        )
        result, path = self.check(GOOD + test.replace("403", "404"))
        self.assertEqual(result.exit_code, 1)
        self.assertIn(f"{path}:7:", result.stderr)
        self.assertIn("expects the status 404; the request is answered 403", result.stderr)

    def test_plural(self) -> None:
        """None and several are counted as such."""
        result, path = self.check("")
        self.assertEqual(
            result.stdout, f"{path}: ok: 0 listeners, 0 pools, 0 members, 0 policies\n"
        )

    def test_bad_document(self) -> None:
        """One problem a line on the standard error, and exit code 1."""
        result, path = self.check("pools: [{}]\nnope: 1\n")
        self.assertEqual(result.exit_code, 1)
        self.assertEqual(result.stdout, "")
        self.assertEqual(
            result.stderr,
            f"{path}:1:9: pools[0].name: is needed\n{path}:2:1: nope: unknown key 'nope'"
            " (did you mean 'node'?)\n",
        )

    def test_bad_rules(self) -> None:
        """Rules within rules, at the very one, with what was probably meant."""
        for rule, column, wanted in (
            (
                "any: [{pth: /}]",
                54,
                "any[0].pth: 'pth' is neither a rule type nor another key (did you mean 'path'?)",
            ),
            (
                "not: {host_name: a, compare_type: under}",
                67,
                "rules[0].not.compare_type: under is for paths (did you mean 'starts_with'?)",
            ),
            ("not: [{path: /}, {path: /a}]", 47, "rules[0].rules: not is about one rule"),
            ("all: [{protocol: ftp}]", 53, "must be http, https, websocket or grpc"),
            ("all: [{path: /}, {not: {path: '(', compare_type: regex}}]", 70, "rules[1].rules[0]"),
            ("path: api, compare_type: under", 46, "must begin with a slash, as paths do"),
        ):
            result, path = self.check(GOOD.replace("path: /x", rule))
            self.assertEqual(result.exit_code, 1)
            self.assertIn(wanted, result.stderr)
            self.assertTrue(result.stderr.startswith(f"{path}:6:{column}: "), (rule, result.stderr))

    def test_bad_targets(self) -> None:
        """Pools of a split are looked for like any other, and a policy is told what is missing."""
        for action, wanted in (
            (
                "redirect_pools: [{pool_id: app}, {pool_id: apq}]",
                "redirect_pools[1].pool_id: there is no pool 'apq' (did you mean 'app'?)",
            ),
            (
                "redirect_pool_id: app, failover_pool_id: x",
                "failover_pool_id: there is no pool 'x'",
            ),
            ("response: {status: 99}", "response.status: must be from 200 to 599"),
            ("response: {body_file: none.html}", "body_file: cannot read none.html"),
            (
                "redirect_url: '/{pth}'",
                "redirect_url: {pth} is not one of {scheme}, {host}, {port}, {path}, {query},"
                " {uri} (did you mean '{path}'?)",
            ),
        ):
            result, _ = self.check(GOOD.replace("action: reject", action))
            self.assertIn(wanted, result.stderr)

    def test_bad_references(self) -> None:
        """Problems between objects have their places as well."""
        result, path = self.check(GOOD.replace("default_pool_id: app", "default_pool_id: ap"))
        self.assertEqual(result.exit_code, 1)
        self.assertEqual(
            result.stderr,
            f"{path}:4:43: listeners[0].default_pool_id: there is no pool 'ap'"
            " (did you mean 'app'?)\n",
        )

    def test_environment(self) -> None:
        """Variables come from the environment."""
        text = GOOD.replace("port: 8080", "port: '${PORT}'")
        self.assertEqual(self.check(text, PORT="81")[0].exit_code, 0)
        self.assertIn("must be from 1 to 65535", self.check(text, PORT="0")[0].stderr)

    def test_limits(self) -> None:
        """The process's limits are taken into account."""
        self.assertEqual(self.check(GOOD + "limits: {head: 1KiB}\n")[0].exit_code, 0)

    def test_warnings(self) -> None:
        """Certificates that end soon or are odd are told with their place; they are no refusal."""
        one = leaf("a.test", days=10, purpose="client")
        text = (one.pem + one.key_pem()).replace("\n", "\\n")
        result, path = self.check(f'certificates: [{{name: c, certificate: "{text}"}}]\n')
        self.assertEqual(result.exit_code, 0)
        first, second = result.stderr.splitlines()
        where = f"warning: {path}:1:26: certificates[0].certificate: "
        self.assertTrue(first.startswith(f"{where}expires in 9 days, on "), first)
        self.assertTrue(second.startswith(f"{where}is not meant for servers"), second)

    def test_untrusted(self) -> None:
        """PROXY headers are awaited, and nobody may send them."""
        text = "listeners: [{name: a, port: 80, protocol: http, accept_proxy_protocol: true}]\n"
        result, path = self.check(text)
        self.assertEqual(result.exit_code, 0)
        where = f"warning: {path}:1:49: listeners[0].accept_proxy_protocol: "
        self.assertEqual(
            result.stderr, f"{where}trusted_proxies is empty: every connection is reset\n"
        )

    def test_missing_file(self) -> None:
        """A file that is not there is a refusal like others."""
        result = invoke("check", "-c", "/nonexistent/f.yaml")
        self.assertEqual(result.exit_code, 1)
        self.assertEqual(
            result.stderr, "cannot read /nonexistent/f.yaml: No such file or directory\n"
        )

    def test_directory(self) -> None:
        """A directory is checked as a whole."""
        path = written(self, {"a.yaml": GOOD, "b.yaml": "pools: [{name: b}]"})
        self.assertIn("ok: 1 listener, 2 pools", invoke("check", "-c", path).stdout)
