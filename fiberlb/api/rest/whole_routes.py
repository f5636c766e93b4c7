"""The routes of the configuration as a whole: its history, and changes of much of it."""

from __future__ import annotations

from fiberlb.api.rest import config, history, transactions
from fiberlb.api.rest.bodies import LARGEST_WHOLE
from fiberlb.api.rest.route import Role, Route

WHOLE: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/v1/config",
        operation="getConfig",
        role=Role.READ,
        summary="Everything that is stored, now or at a revision, in the form of a file",
        call=lambda served, request, words: config.whole(served.control, request),
        query=("revision", "names"),
        tagged=True,
        yaml=True,
        further=(404, 410),
    ),
    Route(
        method="PUT",
        path="/v1/config",
        operation="replaceConfig",
        role=Role.WRITE,
        summary="Have exactly this stored; lists of children that are left out stay",
        call=lambda served, request, words: config.replace(served.control, request),
        takes="Configuration",
        yaml=True,
        gives={200: "Changed"},
        query=("dry_run",),
        tagged=True,
        largest=LARGEST_WHOLE,
    ),
    Route(
        method="POST",
        path="/v1/apply",
        operation="apply",
        role=Role.WRITE,
        summary="Have this stored, and take out what was applied before and is not in it",
        call=lambda served, request, words: config.apply(served.control, request),
        takes="ConfigurationToApply",
        yaml=True,
        gives={200: "Changed"},
        query=("dry_run", "confirm"),
        tagged=True,
        largest=LARGEST_WHOLE,
    ),
    Route(
        method="GET",
        path="/v1/confirmation",
        operation="getConfirmation",
        role=Role.READ,
        summary="The change that is rolled back unless it is confirmed, if there is one",
        call=lambda served, request, words: config.unconfirmed(served.control, request),
    ),
    Route(
        method="POST",
        path="/v1/confirmation",
        operation="confirm",
        role=Role.WRITE,
        summary="Keep the change that waits for it",
        call=lambda served, request, words: config.confirm(served.control, request),
        query=("revision", "dry_run"),
    ),
    Route(
        method="POST",
        path="/v1/transactions",
        operation="transact",
        role=Role.WRITE,
        summary="Several operations in one revision, all of them or none",
        call=lambda served, request, words: transactions.post(served.control, request),
        takes="Transaction",
        gives={200: "Transacted"},
        query=("dry_run",),
        largest=LARGEST_WHOLE,
        further=(412,),
    ),
    Route(
        method="GET",
        path="/v1/revisions",
        operation="listRevisions",
        role=Role.READ,
        summary="Who changed what, when and why, newest first",
        call=lambda served, request, words: history.revisions(served.control, request),
        gives={200: "RevisionList"},
        query=history.PARAMETERS,
    ),
    Route(
        method="GET",
        path="/v1/revisions/{revision}",
        operation="getRevision",
        role=Role.READ,
        summary="One revision, with what it changed field by field",
        call=lambda served, request, words: history.revision(
            served.control, request, words["revision"]
        ),
        gives={200: "RevisionTold"},
        further=(410,),
    ),
    Route(
        method="POST",
        path="/v1/revisions/{revision}/rollback",
        operation="rollBack",
        role=Role.WRITE,
        summary="A new revision that is like that one",
        call=lambda served, request, words: history.rollback(
            served.control, request, words["revision"]
        ),
        gives={200: "Changed"},
        query=("dry_run", "keys"),
        tagged=True,
        further=(410,),
    ),
)
