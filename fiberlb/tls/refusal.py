"""One field of a certificate object that is refused."""

from __future__ import annotations

from fiberlb.errors import ConfigurationError, Problem


def refusal(field: str, message: str, code: str = "invalid") -> ConfigurationError:
    """
    The error to raise.

    @param message: as of L{Problem}; never a piece of what was read.
    """
    return ConfigurationError([Problem((field,), message, code=code)])
