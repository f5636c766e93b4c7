"""What is answered when something is refused: problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import attrs

from fiberlb.api.access.identity import Denied
from fiberlb.control import refusals
from fiberlb.control.refusals import Mention, Refusal
from fiberlb.errors import AddressInUse, ConfigurationError, Path, Problem

PROBLEM_TYPE = "application/problem+json"

#: Phrases that RFC 9110 has renamed; Python knows them from 3.13 on.
_RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}
#: Entries of one answer: a body of 1 MiB may have mistakes for an answer of hundreds.
MOST_ERRORS = 1000
#: Codes of problems that are conflicts with what is there, not faults of the document.
CONFLICTS = frozenset(
    {
        "test_failed",
        "address_in_use",
        "needs_privilege",
        "address_unavailable",
        "ambiguous",
        "exists",
        "in_use",
    }
)


class Refused(Exception):
    """
    An answer that is a problem.

    @ivar headers: further fields of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: Iterable[Problem] = (),
        more: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.more = dict(more or {})
        self.headers = dict(headers or {})

    def document(self) -> dict[str, Any]:
        """The body of the answer."""
        return {
            "type": f"urn:fiberlb:problem:{self.code}",
            "title": phrase(self.status),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "errors": [_error(problem) for problem in self.errors[:MOST_ERRORS]],
            **self.more,
        }


def phrase(status: int) -> str:
    """What a status is called."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase


def _error(problem: Problem) -> dict[str, Any]:
    return {
        "path": problem.pointer,
        "message": problem.message,
        "suggestion": problem.suggestion,
    }


def invalid(message: str, path: Path = (), code: str = "invalid") -> Refused:
    """A request that is wrong in one place."""
    return Refused(400, code, message, [Problem(path, message)])


def refused(why: BaseException) -> Refused | None:
    """The problem that an exception of the control service stands for, C{None} for a defect."""
    if isinstance(why, Refused):
        return why
    if isinstance(why, Denied):
        return Refused(why.status, why.code, str(why), headers=why.headers)
    if isinstance(why, ConfigurationError):
        return _configuration(why)
    if isinstance(why, AddressInUse):
        return Refused(409, why.code, why.message)
    if not isinstance(why, Refusal):
        return None
    made = next((make(why) for cls, make in _REFUSALS.items() if isinstance(why, cls)), None)
    found = made or Refused(409, why.code, str(why))
    if why.path and not found.errors:
        found.errors = (Problem(why.path, str(why)),)
    return found


def _configuration(why: ConfigurationError) -> Refused:
    problems = why.problems
    conflict = bool(problems) and all(problem.code in CONFLICTS for problem in problems)
    code = problems[0].code if conflict else "invalid"
    first = Problem(problems[0].path, problems[0].message) if problems else None
    detail = str(first) if len(problems) == 1 else f"{len(problems)} things are refused"
    if len(problems) > MOST_ERRORS:
        detail += f", of which the first {MOST_ERRORS} are told"
    positioned = next((p.position for p in problems if p.position is not None), None)
    more = {} if positioned is None else {"file": positioned.file, "line": positioned.line}
    return Refused(409 if conflict else 400, code, detail, problems, more)


def _mentions(several: Iterable[Mention]) -> list[dict[str, str]]:
    return [attrs.asdict(mention) for mention in several]


def _owned(why: Any) -> Refused:
    position = why.position
    more = {} if position is None else {"file": position.file, "line": position.line}
    return Refused(409, why.code, str(why), more=more)


def _in_use(why: Any) -> Refused:
    return Refused(409, why.code, str(why), more={"used_by": _mentions(why.used_by)})


def _away(why: Any) -> Refused:
    detail = f"the store is away: {why}"
    if why.uncertain:
        detail += "; whether the change was stored is not known"
    return Refused(
        503, why.code, detail, more={"uncertain": why.uncertain}, headers={"Retry-After": "5"}
    )


_REFUSALS: Mapping[type[Refusal], Callable[[Any], Refused]] = {
    refusals.NotFound: lambda why: Refused(404, why.code, str(why)),
    refusals.Ambiguous: lambda why: Refused(409, why.code, str(why), more={"ids": list(why.ids)}),
    refusals.OwnedByFile: _owned,
    refusals.InUse: _in_use,
    refusals.Stale: lambda why: Refused(412, why.code, str(why)),
    refusals.Gone: lambda why: Refused(410, why.code, str(why)),
    refusals.NoRevision: lambda why: Refused(404, why.code, str(why)),
    refusals.NothingToConfirm: lambda why: Refused(404, why.code, str(why)),
    refusals.TooBig: lambda why: Refused(413, why.code, str(why)),
    refusals.StoreAway: _away,
    refusals.Stopping: lambda why: Refused(503, why.code, str(why), headers={"Retry-After": "5"}),
}
