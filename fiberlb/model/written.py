"""Scalars of a file that are numbers or booleans, and text where a text is wanted."""

from __future__ import annotations

from typing import Any


class Written(str):
    """
    An unquoted scalar that stands for a number or a boolean.

    It is the text as it was written (a name C{1.10} stays C{1.10}); the kinds
    that want something else ask L{plain} for its value.

    @ivar value: the number or boolean that it stands for.
    """

    __slots__ = ("value",)
    value: int | float | bool

    def __new__(cls, text: str, value: int | float | bool) -> Written:
        made = super().__new__(cls, text)
        made.value = value
        return made


def plain(value: Any) -> Any:
    """What a value of a document stands for; of one that is not L{Written}, itself."""
    return value.value if isinstance(value, Written) else value
