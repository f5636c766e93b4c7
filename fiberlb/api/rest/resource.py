"""
One resource for every collection: what the methods mean, whatever the objects are.

Everything particular to a collection is in the tables and in the model.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
from twisted.web.iweb import IRequest

from fiberlb.api.access.identity import identity_of
from fiberlb.api.rest.bodies import no_body, parsed, read_text
from fiberlb.api.rest.conditions import condition, not_modified, quoted
from fiberlb.api.rest.documents import document, location, monitor_document, shown
from fiberlb.api.rest.lists import fact_tests, filterable, flag, page, query_of, tests
from fiberlb.api.rest.problem import invalid
from fiberlb.api.rest.reply import NO_CONTENT, NOT_MODIFIED, Reply, encoded
from fiberlb.api.rest.tables import Table
from fiberlb.api.rest.warned import warnings
from fiberlb.control.operations import Op, Operation, Origin, Outcome
from fiberlb.control.refusals import Ambiguous, NotFound
from fiberlb.control.service import ControlService
from fiberlb.model.configuration import COLLECTIONS, find
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.pool import Pool
from fiberlb.model.resource import Resource

#: Characters of FiberLB-Reason.
LONGEST_REASON = 1000
#: Octets that an object takes in a body, about.
AN_OBJECT = 64
MONITORS = HealthMonitor.COLLECTION


@attrs.frozen
class Target:
    """
    What an address names.

    @ivar parent: the id or name of the object that contains it; empty at the top.
    @ivar word: the id or name of the object; empty for the list.
    """

    table: Table
    parent: str = ""
    word: str = ""


class Resources:
    """The collections of one control service."""

    def __init__(self, control: ControlService) -> None:
        self._control = control

    # -- reads

    def list(self, request: IRequest, target: Target) -> Reply:
        """GET of a collection, or of what an object contains."""
        configuration = self._control.configuration
        collection = target.table.collection
        query = query_of(request, [*filterable(collection), "limit", "marker"])
        objects: Iterable[Resource] = configuration.objects.get(collection, {}).values()
        if target.parent:
            parent = self._parent(target)
            objects = configuration.children(COLLECTIONS[collection], parent.id)
        tag = self._control.state.tags.whole
        if not_modified(request, tag):
            return Reply(NOT_MODIFIED, headers={"ETag": quoted(tag)})
        path = request.uri.partition(b"?")[0].decode("ascii")  # Twisted lets nothing else in
        passing = tests(collection, query, configuration)
        passing += fact_tests(collection, query, self._control.facts)
        found = page(objects, query, path, passing)
        items = [document(self._control, configuration, made) for made in found.items]
        body = {"items": items, "next": found.next, "revision": self._control.revision}
        return Reply(document=body, headers={"ETag": quoted(tag)})

    async def get(self, request: IRequest, target: Target) -> Reply:
        """GET of one object."""
        query_of(request, ())
        made = self.find(target)
        tag = quoted(self._control.state.tags.of(made.COLLECTION, made.id))
        if not_modified(request, tag[1:-1]):
            return Reply(NOT_MODIFIED, headers={"ETag": tag})
        (body,) = await shown(self._control, self._control.configuration, [made])
        return await self._reply(200, body, {"ETag": tag})

    async def _reply(self, status: int, body: Any, headers: dict[str, str]) -> Reply:
        """An answer whose body is long to write where there are many objects."""
        written = await self._control.beside(lambda: encoded(body))
        return Reply(status, body, headers, body=None if body is None else written)

    def get_monitor(self, request: IRequest, pool: str) -> Reply:
        """GET of a pool's health monitor."""
        query_of(request, ())
        made = self.look("pools", pool)
        assert isinstance(made, Pool)
        if made.health_monitor is None:
            raise NotFound(MONITORS, pool)
        tag = quoted(self._control.state.tags.of("pools", made.id))
        if not_modified(request, tag[1:-1]):
            return Reply(NOT_MODIFIED, headers={"ETag": tag})
        body = monitor_document(self._control, self._control.configuration, made)
        return Reply(document=body, headers={"ETag": tag})

    def look(self, collection: str, word: str, parent: str = "") -> Resource:
        """
        The object of an id or name.

        @raise NotFound: there is none.
        @raise Ambiguous: there are several.
        """
        configuration = self._control.configuration
        objects = configuration.objects.get(collection, {})
        found = find(configuration, collection, word)
        of = COLLECTIONS[collection].PARENT
        if parent and of is not None:
            found = [ident for ident in found if getattr(objects[ident], of[0]) == parent]
        if not found:
            raise NotFound(collection, word)
        if len(found) > 1:
            raise Ambiguous(collection, word, found)
        return objects[found[0]]

    def _parent(self, target: Target) -> Resource:
        of = COLLECTIONS[target.table.collection].PARENT
        assert of is not None
        return self.look(of[1], target.parent)

    def find(self, target: Target) -> Resource:
        """
        The object that an address names.

        @raise NotFound: there is none.
        @raise Ambiguous: there are several.
        """
        parent = self._parent(target).id if target.parent else ""
        return self.look(target.table.collection, target.word, parent)

    # -- writes

    async def create(self, request: IRequest, target: Target) -> Reply:
        """POST: a new object, with what is nested in it."""
        return await self._write(request, target, Op.CREATE, await self._json(request))

    async def replace(self, request: IRequest, target: Target) -> Reply:
        """PUT of one object."""
        return await self._write(request, target, Op.REPLACE, await self._json(request))

    async def replace_all(self, request: IRequest, target: Target) -> Reply:
        """PUT of everything that an object contains of one kind."""
        body = await self._json(request)
        if isinstance(body, dict) and set(body) == {"items"}:
            body = body["items"]
        return await self._write(request, target, Op.REPLACE_ALL, body)

    async def patch(self, request: IRequest, target: Target) -> Reply:
        """PATCH: a merge patch (RFC 7396)."""
        return await self._write(request, target, Op.PATCH, await self._json(request, True))

    async def _json(self, request: IRequest, patch: bool = False) -> Any:
        text = read_text(request, patch)
        return await self._control.beside(lambda: parsed(text), len(text) // AN_OBJECT)

    async def delete(self, request: IRequest, target: Target) -> Reply:
        """DELETE of an object with what it contains."""
        no_body(request)
        return await self._write(request, target, Op.DELETE, None)

    async def _write(self, request: IRequest, target: Target, op: Op, body: Any) -> Reply:
        operation = Operation(
            op=op,
            collection=target.table.collection,
            word=target.word,
            parent=target.parent,
            body=body,
            condition=condition(request),
        )
        outcome, dry = await self._done(request, operation)
        if dry:
            return await self._dry(operation, outcome)
        if op is Op.DELETE:
            return Reply(NO_CONTENT)
        if op is Op.REPLACE_ALL:
            body = await self._list_document(operation, outcome)
            tag = outcome.tags[operation.collection, ""]
            return await self._reply(200, body, {"ETag": quoted(tag)})
        applied = outcome.applied[0]
        headers = {"ETag": quoted(outcome.tags[operation.collection, applied.id])}
        if applied.created:
            headers["Location"] = location(outcome.configuration, operation.collection, applied.id)
        status = 201 if applied.created else 200
        return await self._reply(status, await self._result(operation, outcome), headers)

    async def monitor(self, request: IRequest, pool: str) -> Reply:
        """GET, PUT, PATCH and DELETE of a pool's health monitor."""
        if request.method in (b"GET", b"HEAD"):
            return self.get_monitor(request, pool)
        if request.method == b"DELETE":
            no_body(request)
            return await self._write_monitor(request, pool, Op.DELETE)
        patch = request.method == b"PATCH"
        body = await self._json(request, patch)
        return await self._write_monitor(request, pool, Op.PATCH if patch else Op.REPLACE, body)

    async def _write_monitor(self, request: IRequest, pool: str, op: Op, body: Any = None) -> Reply:
        operation = Operation(
            op=op, collection=MONITORS, parent=pool, body=body, condition=condition(request)
        )
        outcome, dry = await self._done(request, operation)
        if dry:
            return await self._dry(operation, outcome)
        if op is Op.DELETE:
            return Reply(NO_CONTENT)
        applied = outcome.applied[0]
        headers = {"ETag": quoted(outcome.tags["pools", applied.id])}
        if applied.created:
            headers["Location"] = (
                location(outcome.configuration, "pools", applied.id) + "/health_monitor"
            )
        status = 201 if applied.created else 200
        return Reply(status, await self._result(operation, outcome), headers)

    async def _done(self, request: IRequest, operation: Operation) -> tuple[Outcome, bool]:
        dry = flag(query_of(request, ("dry_run",)), "dry_run")
        origin = Origin(identity_of(request).name, "rest", reason_of(request))
        return await self._control.write([operation], origin, dry), dry

    async def _result(self, operation: Operation, outcome: Outcome) -> dict[str, Any] | None:
        """The operation's object as it is after the write."""
        applied, configuration = outcome.applied[0], outcome.configuration
        if operation.collection == MONITORS:
            pool = configuration.all(Pool)[applied.id]
            if pool.health_monitor is None:
                return None
            return monitor_document(self._control, configuration, pool)
        made = configuration.objects[operation.collection].get(applied.id)
        if made is None:
            return None
        (done,) = await shown(self._control, configuration, [made])
        return done

    async def _list_document(self, operation: Operation, outcome: Outcome) -> dict[str, Any]:
        configuration = outcome.configuration
        cls = COLLECTIONS[operation.collection]
        several = configuration.children(cls, outcome.applied[0].id)
        items = await shown(self._control, configuration, several)
        return {"items": items, "next": None, "revision": outcome.revision}

    async def _dry(self, operation: Operation, outcome: Outcome) -> Reply:
        """What would happen; ids of new objects are examples."""
        if operation.op is Op.REPLACE_ALL:
            found = await self._list_document(operation, outcome)
            result: Any = found["items"]
        else:
            result = await self._result(operation, outcome)
        changes = [attrs.asdict(change) for change in outcome.changes]
        body = {
            "dry_run": True,
            "revision": outcome.revision,
            "changes": changes,
            "result": result,
            "warnings": await self._control.beside(lambda: warnings(self._control, outcome)),
        }
        return await self._reply(200, body, {})


def dry_of(request: IRequest) -> bool:
    """Whether nothing is to change, of what takes no other parameter."""
    return flag(query_of(request, ("dry_run",)), "dry_run")


def dry_reply(control: ControlService, result: Any) -> Reply:
    """What would come of something that is no revision; nothing has."""
    document = {"dry_run": True, "revision": control.revision, "changes": [], "result": result}
    return Reply(document=document)


def reason_of(request: IRequest) -> str:
    """
    Why the client does this, for the history.

    @raise fiberlb.api.rest.problem.Refused: 400, too long or not UTF-8.
    """
    lines = request.requestHeaders.getRawHeaders(b"FiberLB-Reason") or [b""]
    try:
        text = b", ".join(lines).decode("utf-8")
    except UnicodeDecodeError:
        raise invalid("FiberLB-Reason must be UTF-8") from None
    if len(text) > LONGEST_REASON or any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise invalid(f"FiberLB-Reason must be a line of at most {LONGEST_REASON} characters")
    return text
