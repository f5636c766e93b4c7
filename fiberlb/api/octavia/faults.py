"""
What is answered when something is refused: Octavia's fault documents.

The texts that clients and people look for are Octavia's own (spec page C{octavia-api}, section 1).
"""

from __future__ import annotations

from typing import Any, NoReturn

from fiberlb.control import refusals
from fiberlb.errors import AddressInUse, ConfigurationError, Problem


class Fault(Exception):
    """
    An answer that is a fault.

    @ivar status: of HTTP; from 500 on it is the server's fault.
    @ivar text: one or more sentences for the person who asked.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text

    def document(self) -> dict[str, Any]:
        """The body of the answer."""
        code = "Server" if self.status >= 500 else "Client"
        return {"faultcode": code, "faultstring": self.text, "debuginfo": None}


def missing(title: str, ident: str) -> Fault:
    """There is no object of that id."""
    return Fault(404, f"{title} {ident} not found.")


def invalid(text: str) -> Fault:
    """What was sent does not make sense."""
    return Fault(400, f"Validation failure: {text}")


def bad_value(name: str, value: Any, why: str) -> Fault:
    """One attribute's value is refused."""
    return Fault(400, f"Invalid input for field/attribute {name}. Value: '{value}'. {why}")


def refuse(name: str, value: Any, why: str) -> NoReturn:
    """@raise Fault: as of L{bad_value}."""
    raise bad_value(name, value, why)


def unknown(argument: str, name: str) -> Fault:
    """An attribute that is not there, or not to be set."""
    return Fault(400, f"Unknown attribute for argument {argument}: {name}")


def needed(name: str) -> Fault:
    """An attribute without which there is no such object."""
    return bad_value(name, "None", "Mandatory field missing.")


def provider_cannot(what: str) -> Fault:
    """Octavia knows it, FiberLB does not do it."""
    return Fault(501, f"Provider 'fiberlb' does not support a requested option: {what}")


def of_exception(why: BaseException) -> Fault | None:
    """The fault that an exception of the control service stands for, C{None} for a defect."""
    if isinstance(why, Fault):
        return why
    if isinstance(why, ConfigurationError):
        return _configuration(why)
    if isinstance(why, AddressInUse):
        return Fault(409, why.message)
    if isinstance(why, refusals.OwnedByFile):
        text = f"{why.owned.name or why.owned.id} is immutable and cannot be updated. {why}"
        return Fault(409, text)
    if isinstance(why, refusals.NotFound):
        return Fault(404, f"{why.collection} {why.word} not found.")
    if isinstance(why, refusals.TooBig):
        return Fault(413, str(why))
    if isinstance(why, (refusals.StoreAway, refusals.Stopping)):
        return Fault(503, str(why))
    if isinstance(why, refusals.Refusal):
        return Fault(409, str(why))
    return None


#: Codes of problems that are conflicts with what is there.
_CONFLICTS = frozenset({"address_in_use", "needs_privilege", "address_unavailable", "exists"})


def _configuration(why: ConfigurationError) -> Fault:
    conflict = all(problem.code in _CONFLICTS for problem in why.problems)
    text = "; ".join(map(_sentence, why.problems))
    return Fault(409, text) if conflict else invalid(text)


def _sentence(problem: Problem) -> str:
    return f"{problem.field}: {problem.message}" if problem.path else problem.message
