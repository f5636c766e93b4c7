"""Tests of L{fiberlb.workers.pages}."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.pages import NOTHING, PLACES, Page, Places, make_page, total


class PageTests(SynchronousTestCase):
    """Numbers in shared memory."""

    def test_shared(self) -> None:
        """What one writes, another one with the same file reads."""
        fd = make_page()
        one, other = Page(fd), Page(os.dup(fd))
        self.addCleanup(other.close)
        one.write(7, (1, 2, 3, 4))
        one.write(PLACES - 1, (2**63, 0, 0, 5))
        self.assertEqual(other.read(7), (1, 2, 3, 4))
        self.assertEqual(other.read(PLACES - 1), (2**63, 0, 0, 5))
        self.assertEqual(other.read(8), NOTHING)
        one.close()
        self.assertEqual(other.read(7), (1, 2, 3, 4))

    def test_below_zero(self) -> None:
        """A gauge that a defect made negative counts as none."""
        page = Page(make_page())
        self.addCleanup(page.close)
        page.write(1, (-1, -5, 3, 4))
        self.assertEqual(page.read(1), (0, 0, 3, 4))

    def test_no_page(self) -> None:
        """A file that is too small is none."""
        fd = os.memfd_create("small")
        self.addCleanup(os.close, fd)
        self.assertRaises(ValueError, Page, fd)

    def test_total(self) -> None:
        """Pages add up."""
        self.assertEqual(total([(1, 2, 3, 4), (10, 20, 30, 40)]), (11, 22, 33, 44))
        self.assertEqual(total([]), NOTHING)


class PlacesTests(SynchronousTestCase):
    """Who counts where."""

    def test_kept(self) -> None:
        """An object keeps its place for as long as it is there; the first is for the worker."""
        places = Places()
        places.assign(["a", "b"], 1, 1)
        before = dict(places.held)
        self.assertEqual(sorted(before.values()), [1, 2])
        self.assertEqual(places.assign(["b", "c", "a"], 2, 1), [])
        self.assertEqual({**places.held, **before}, dict(places.held))

    def test_again(self) -> None:
        """A place is given out again when no worker can write to it, and is told."""
        places = Places()
        places.assign(["a", "b"], 1, 0)
        gone = places.held["a"]
        self.assertEqual(places.assign(["b", "c"], 2, 1), [])
        self.assertNotEqual(places.held["c"], gone)
        self.assertEqual(places.assign(["b", "c", "d"], 3, 2), [gone])
        self.assertEqual(places.assign(["b", "c", "d", "e"], 4, 4), [])
        self.assertEqual(len(set(places.held.values())), 4)

    def test_full(self) -> None:
        """Where there is no place left an object is not counted."""
        places = Places(3)
        places.assign(["a", "b", "c"], 1, 1)
        self.assertEqual(sorted(places.held), ["a", "b"])
