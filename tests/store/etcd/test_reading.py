"""Tests of L{fiberlb.store.etcd.reading}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.etcd.reading import PAGE
from tests.store.etcd.stage import EtcdStage


class PageTests(SynchronousTestCase):
    """More than one answer holds."""

    def test_pages(self) -> None:
        """All of it comes, of one revision, in the order of the keys."""
        stage = EtcdStage()
        self.addCleanup(stage.end)
        store = stage.store()
        keys = [b"%05d" % n for n in range(2 * PAGE + 1)]
        at = stage.wait(store.commit({}, dict.fromkeys(keys, b"x")))
        found, entries = stage.wait(store.load())
        self.assertLessEqual(at, found)
        self.assertEqual([*entries], keys)
        page = stage.wait(store.page(b"", before=b"00003", limit=2))
        self.assertEqual(page, [(b"00002", b"x"), (b"00001", b"x")])
        self.assertEqual(stage.wait(store.page(b"1", before=b"0", limit=2)), [])
