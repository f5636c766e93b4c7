"""POST /v1/listeners/LISTENER/explain: what becomes of a request, and why."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.web.iweb import IRequest

from fiberlb.api.rest.bodies import read_json
from fiberlb.api.rest.lists import query_of
from fiberlb.api.rest.problem import Refused
from fiberlb.api.rest.reply import Reply, encoded
from fiberlb.api.rest.resource import Target
from fiberlb.api.rest.route import Served
from fiberlb.api.rest.tables import TOP
from fiberlb.control.explaining import Surroundings, explanation
from fiberlb.control.service import ControlService
from fiberlb.errors import ConfigurationError
from fiberlb.model.asked import Asked
from fiberlb.model.convert import structure
from fiberlb.model.fields import Loading


def surroundings(control: ControlService) -> Surroundings:
    """What explanations of this node look at."""

    def seen(ident: str) -> tuple[str, str]:
        health = control.members.seen(ident)[0]
        return health.health, health.reason

    return Surroundings(
        trusted=control.state.file.settings.trusted_proxies,
        seen=seen,
        operated=control.operating.states.of,
        panicking=control.health.panicking(),
    )


async def explain(served: Served, request: IRequest, words: Mapping[str, str]) -> Reply:
    """
    Explain one request that nobody sends; no member is asked.

    @raise Refused: 409, the listener serves nobody.
    """
    query_of(request, ())
    control = served.control
    listener = served.resources.find(Target(TOP["listeners"], "", words["listener"]))
    asked = _asked(request)
    snapshot = control.snapshot
    plan = snapshot.listeners.get(listener.id) if snapshot else None
    if snapshot is None or plan is None:
        if snapshot is not None and listener.id in snapshot.figures:
            raise Refused(409, "no_traffic", "this listener shows figures: nothing is routed there")
        detail = f"listener {listener.name or listener.id!r} or its load balancer is disabled"
        raise Refused(409, "disabled", detail)
    around = surroundings(control)
    found = explanation(snapshot, plan, asked, around)
    return Reply(document=found, body=await control.beside(lambda: encoded(found)))


def _asked(request: IRequest) -> Asked:
    loading = Loading()
    found = structure(Asked, read_json(request), (), loading)
    if found is None:
        raise ConfigurationError(loading.problems)
    return found
