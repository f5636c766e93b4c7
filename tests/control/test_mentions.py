"""Who refers to objects."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.mentions import mention, users_of
from tests.control.stage import Stage

FILE = """\
pools:
- {name: app, members: [127.0.0.1:9001]}
listeners:
- {name: web, port: 80, protocol: http, default_pool_id: app}
"""


class MentionTests(SynchronousTestCase):
    """Objects in few words."""

    def test_users_of(self) -> None:
        """Children do not count as users of their parent."""
        configuration = Stage(self, FILE).control.configuration
        (pool,) = configuration.objects["pools"].values()
        users = users_of(configuration, [pool.id, "nobody"])
        named = {ident: [mention(one).name for one in several] for ident, several in users.items()}
        self.assertEqual(named, {pool.id: ["web"]})
