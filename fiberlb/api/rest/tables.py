"""The one registry of what the REST API serves, and where."""

from __future__ import annotations

import attrs


@attrs.frozen
class Table:
    """
    A collection at an address.

    @ivar path: the word in the address.
    @ivar collection: a key of C{COLLECTIONS}.
    @ivar parent: the path of the table whose objects contain these; C{None} at the top.
    @ivar replaceable: the whole list can be put.
    """

    path: str
    collection: str
    parent: str | None = None
    replaceable: bool = False


#: Collections at the top, by their path.
TOP = {
    table.path: table
    for table in (
        Table("load_balancers", "load_balancers"),
        Table("certificates", "certificates"),
        Table("pools", "pools"),
        Table("members", "members"),
        Table("listeners", "listeners"),
        Table("l7_policies", "l7_policies"),
    )
}
#: Other spellings of paths.
ALIASES = {"loadbalancers": "load_balancers", "l7policies": "l7_policies"}
#: Collections within an object, by the parent's path and their own.
WITHIN = {
    (table.parent, table.path): table
    for table in (
        Table("members", "members", "pools", True),
        Table("rules", "l7_rules", "l7_policies", True),
    )
}
#: Where an object of a collection lives: the table that its Location names.
HOME = {table.collection: table for table in (*TOP.values(), *WITHIN.values())}
#: The value of a pool that has an address of its own.
MONITOR = "health_monitor"
