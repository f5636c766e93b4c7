"""Configuration files: any bytes load, or are refused as a configuration."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fiberlb.control.document import load_file
from fiberlb.control.validate import validated
from fiberlb.errors import ConfigurationError
from fiberlb.model.bounds import Limits
from fiberlb.model.convert import overlaid
from tests.fuzz.failure import hold

_FILE = Path(tempfile.mkdtemp(prefix="fuzz-file-"), "f.yaml")
_ENVIRONMENT = {"A": "a", "B": "1"}


def check(data: bytes) -> None:
    """What C{fiberlb check} would say of it: that it is right, or what is wrong and where."""
    _FILE.write_bytes(data)
    try:
        layer = load_file(str(_FILE), _ENVIRONMENT)
    except ConfigurationError as why:
        _told(why)
        return
    try:
        validated(
            layer.configuration,
            limits=overlaid(Limits(), layer.settings.limits),
            clock=lambda: 0.0,
            report=lambda *_: None,
        )
    except ConfigurationError as why:
        _told(ConfigurationError(layer.located(why.problems)))


def _told(why: ConfigurationError) -> None:
    """There is something to read, and all of it can be printed."""
    hold(why.problems)
    for problem in why.problems:
        hold(str(problem).encode("utf-8", "strict") and problem.message)
