"""What a resource of Octavia's API is made of, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from fiberlb.api.octavia.attributes import Attributes
from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.view import View


@attrs.frozen
class Kind:
    """
    One kind.

    @ivar path: its word in addresses, and the envelope of lists.
    @ivar root: the envelope of one.
    @ivar title: its name in texts.
    @ivar attributes: what may be sent.
    @ivar all: the objects there are, those of one parent where the address has one.
    @ivar show: an object as a document.
    @ivar create: adds what a POST asks for to an edit, and returns the new id.
    @ivar update: the same of a PUT of an object.
    @ivar delete: the same of a DELETE; with C{cascade}, also of what it has.
    @ivar ident: the id of an object.
    """

    path: str
    root: str
    title: str
    attributes: Attributes
    all: Callable[[View, str], list[Any]]
    show: Callable[[View, Any], dict[str, Any]]
    create: Callable[[Edit, Mapping[str, Any], str], str]
    update: Callable[[Edit, Any, Mapping[str, Any]], None]
    delete: Callable[[Edit, Any, bool], None]
    ident: Callable[[Any], str] = attrs.field(default=lambda made: made.id)
