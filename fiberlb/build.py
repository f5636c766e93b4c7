"""
Which build this is: plain Python, or with the modules that requests pass through compiled.

Both are made from the same source and behave alike; see C{docs/decisions/0006-compiled-build.rst}.
"""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES

from fiberlb import __version__
from fiberlb.wire import fields

#: Whether they are compiled.
COMPILED = fields.__file__.endswith(tuple(EXTENSION_SUFFIXES))
#: The version for people: C{0.1.0 (compiled)}.
VERSION = f"{__version__} ({'compiled' if COMPILED else 'pure Python'})"
