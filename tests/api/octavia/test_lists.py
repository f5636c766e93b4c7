"""Lists: filters, order, pages, fields."""

from __future__ import annotations

from urllib.parse import parse_qs

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.octavia.faults import Fault
from fiberlb.api.octavia.lists import Page, page, picked

DOCUMENTS = [
    {"id": str(n), "name": name, "up": n % 2 == 0, "tags": tags, "pools": [{"id": f"p{n}"}], "n": n}
    for n, (name, tags) in enumerate(
        (("b", ["x"]), ("a", ["x", "y"]), ("c", []), ("a", ["y"])), start=1
    )
]


def found(text: str) -> Page:
    """The page that a query asks for."""
    query = parse_qs(text, keep_blank_values=True)
    return page(DOCUMENTS, query, "/l", ("name", "up", "tags", "n"))


def ids(text: str) -> str:
    """The ids on that page."""
    return "".join(str(each["id"]) for each in found(text).items)


class FilterTests(SynchronousTestCase):
    """Which objects."""

    def test_attributes(self) -> None:
        """Several must hold; what is not known is refused."""
        for text, expected in (
            ("", "1234"),
            ("name=a", "24"),
            ("name=a&n=4", "4"),
            ("up=True", "24"),
            ("up=false", "13"),
            ("pool_id=p3", "3"),
            ("id=2&id=3", "23"),
        ):
            self.assertEqual(ids(text), expected, text)
        self.assertRaises(Fault, found, "colour=red")

    def test_tags(self) -> None:
        """All, any, not all, not any."""
        for text, expected in (
            ("tags=x,y", "2"),
            ("tags-any=x,y", "124"),
            ("not-tags=x,y", "134"),
            ("not-tags-any=x,y", "3"),
            ("tags=x&tags=y", "2"),
        ):
            self.assertEqual(ids(text), expected, text)

    def test_fields(self) -> None:
        """Only what was asked for; strange names are ignored."""
        self.assertEqual(found("fields=id&fields=zz&id=1").items, [{"id": "1"}])
        self.assertEqual(picked({"a": 1}, {"fields": ["b"]}), {})


class OrderTests(SynchronousTestCase):
    """In which order, and how many."""

    def test_sorted(self) -> None:
        """By several keys, both ways of saying it."""
        for text, expected in (
            ("sort=name", "2413"),
            ("sort=name:asc,n:desc", "4213"),
            ("sort_key=n&sort_dir=desc", "4321"),
        ):
            self.assertEqual(ids(text), expected, text)
        for text in ("sort=zz", "sort=name:up"):
            self.assertRaises(Fault, found, text)

    def test_same_second(self) -> None:
        """What was made in one second has its order, both ways, over all pages."""
        same = [{"id": name, "created_at": "2026-01-31T08:00:00"} for name in "cabd"]
        same[3]["created_at"] = "2026-01-31T08:00:01"
        for sort, expected in (("asc", "cabd"), ("desc", "dbac")):
            seen, marker = "", ""
            for _ in same:
                query = {"sort": [f"created_at:{sort}"], "limit": ["1"]}
                query |= {"marker": [marker]} if marker else {}
                [item] = page(same, query, "/l", ("created_at",)).items
                marker = item["id"]
                seen += marker
            self.assertEqual(seen, expected)

    def test_pages(self) -> None:
        """Forwards and backwards; links keep the filters."""
        first = found("limit=2&name=a")
        self.assertEqual([link["rel"] for link in first.links], ["next"])
        self.assertIn("name=a", first.links[0]["href"])
        self.assertEqual(ids("limit=2&marker=2"), "34")
        last = found("limit=3&marker=2")
        self.assertEqual([link["rel"] for link in last.links], ["previous"])
        self.assertEqual(ids("limit=2&marker=4&page_reverse=True"), "23")
        self.assertEqual(found("marker=4").links, [])
        for text in ("limit=x", "marker=9", "limit=1&limit=2"):
            self.assertRaises(Fault, found, text)
        self.assertEqual(ids("limit=0"), "1234")
