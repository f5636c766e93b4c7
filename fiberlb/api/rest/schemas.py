"""What bodies look like, as JSON Schemas: of objects derived from the model, the rest told here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiberlb.control.certificates import FACTS
from fiberlb.model.access import NewToken, Role, TokenRotation
from fiberlb.model.asked import Asked
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.convert import secret_fields
from fiberlb.model.expectation import RequestTest
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.operational import AddressChange, StateChange
from fiberlb.model.resource import Owner
from fiberlb.model.schema import definition, needed, nested, properties, summary

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
ANYTHING: Schema = {}


def listed(items: Schema) -> Schema:
    """A list of them."""
    return {"type": "array", "items": items}


def record(**fields: Schema) -> Schema:
    """An object that has at least these fields."""
    return {"type": "object", "properties": fields, "required": list(fields)}


def named(name: str) -> Schema:
    """A schema that has a name."""
    return {"$ref": f"#/components/schemas/{name}"}


#: The one kind of objects that other fields hold: it has an id where it is answered.
_MONITOR = HealthMonitor.__name__
_AS_IT_IS: Mapping[str, str] = {}
_META = {
    "managed_by": {"type": "string", "enum": [owner.value for owner in Owner]},
    "created_at": TEXT,
    "updated_at": TEXT,
    "revision": WHOLE,
}
#: What is told of the objects of a collection beside their fields, and cannot be set.
_TOLD: Mapping[str, Mapping[str, Schema]] = {
    "certificates": {
        **dict.fromkeys(FACTS, ANYTHING),
        "ocsp": ANYTHING,
        "warnings": listed(TEXT),
        "used_by": listed(named("Mention")),
    },
    "members": {"status": named("MemberStatus"), "operational": named("Operational")},
    "listeners": {"status": {"type": "object"}},
    "pools": {"status": {"type": "object"}},
    "l7_rules": {"complexity": TEXT},
}
_OPERATIONAL = {
    "state": {"type": "string", "enum": ["ready", "drain", "maintenance"]},
    "deadline": MAYBE_TEXT,
    "weight": {"type": ["integer", "null"]},
    "reason": TEXT,
    "since": MAYBE_TEXT,
    "drained": FLAG,
}
_PROBLEM = record(type=TEXT, title=TEXT, status=WHOLE, detail=TEXT, code=TEXT)
_PROBLEM["properties"]["errors"] = listed(record(path=TEXT, message=TEXT, suggestion=MAYBE_TEXT))
_CHANGE = record(op=TEXT, collection=TEXT, id=TEXT, name=TEXT)
_CHANGE_TOLD = record(
    op=TEXT,
    collection=TEXT,
    id=TEXT,
    name=TEXT,
    within=MAYBE_TEXT,
    managed_by=TEXT,
)
# Not of what came or went, where a write tells of very many.
_CHANGE_TOLD["properties"]["fields"] = listed(
    record(field=TEXT, before=ANYTHING, after=ANYTHING, secret=FLAG)
)
_CHANGED = record(
    dry_run=FLAG,
    revision=WHOLE,
    changes=listed(named("ChangeTold")),
    names={"type": "object"},
    warnings=listed(TEXT),
)
_TOKEN = {
    "id": MAYBE_TEXT,
    "name": TEXT,
    "role": {"type": "string", "enum": [role.value for role in Role]},
    "project": MAYBE_TEXT,
    "managed_by": {"type": "string", "enum": ["file", "api"]},
    "expires_at": MAYBE_TEXT,
}
_MADE_TOKEN = {
    **dict.fromkeys(("created_at", "created_by", "reason"), TEXT),
    **dict.fromkeys(("rotated_at", "old_until", "last_used_at"), MAYBE_TEXT),
    "expired": FLAG,
}
_FIXED: Mapping[str, Schema] = {
    "Anything": ANYTHING,
    "Word": record(status=TEXT),
    "Metrics": {"type": "string", "description": "The text format of Prometheus."},
    "Problem": _PROBLEM,
    "Mention": record(collection=TEXT, id=TEXT, name=TEXT),
    "Change": _CHANGE,
    "DryRun": record(
        dry_run={"const": True},
        revision=WHOLE,
        changes=listed(named("Change")),
        result=ANYTHING,
        warnings=listed(TEXT),
    ),
    "Revision": record(
        revision=WHOLE,
        at=TEXT,
        author=TEXT,
        source=TEXT,
        reason=TEXT,
        changes=listed(named("Change")),
    ),
    "ChangeTold": _CHANGE_TOLD,
    "Changed": _CHANGED,
    "Transacted": {
        "allOf": [
            named("Changed"),
            record(results=listed(record(id=TEXT, created=FLAG, etag=MAYBE_TEXT))),
        ]
    },
    "Transaction": {
        "type": "object",
        "properties": {
            "reason": TEXT,
            "operations": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {
                        "op": {
                            "type": "string",
                            "enum": ["create", "replace", "patch", "delete", "set_state"],
                        },
                        "path": {"type": "string", "pattern": "^/"},
                        "if_match": MAYBE_TEXT,
                        "body": ANYTHING,
                    },
                    "required": ["op", "path"],
                    "additionalProperties": False,
                },
            },
        },
        "required": ["operations"],
        "additionalProperties": False,
    },
    "RevisionTold": {"allOf": [named("Revision"), record(kept=FLAG, names={"type": "object"})]},
    "RevisionList": record(items=listed(named("Revision")), next=MAYBE_TEXT, revision=WHOLE),
    "MemberStatus": record(
        health=TEXT,
        reason=TEXT,
        since=MAYBE_TEXT,
        last_check=MAYBE_TEXT,
        transitions=WHOLE,
        sessions=WHOLE,
        in_flight=WHOLE,
    ),
    "Operational": record(**_OPERATIONAL),
    "MemberState": record(
        id=TEXT,
        name=TEXT,
        pool_id=TEXT,
        address=TEXT,
        port={"type": ["integer", "null"]},
        sessions=WHOLE,
        in_flight=WHOLE,
        **_OPERATIONAL,
    ),
    "MemberCheck": record(
        id=TEXT,
        name=TEXT,
        pool_id=TEXT,
        health=TEXT,
        reason=TEXT,
        passed=FLAG,
        checks=listed(
            record(
                address=TEXT,
                port={"type": ["integer", "null"]},
                type=TEXT,
                passed=FLAG,
                phases=listed(
                    record(phase=TEXT, passed=FLAG, reason=TEXT, milliseconds={"type": "number"})
                ),
            )
        ),
    ),
    "Explanation": record(
        listener=ANYTHING,
        request={"type": "object"},
        summary=TEXT,
        policy={"type": ["object", "null"]},
        action={"enum": ["pool", "redirect", "answer", "reject", "refuse"]},
        status={"type": ["integer", "null"]},
        reason=MAYBE_TEXT,
        location=MAYBE_TEXT,
        pool={"type": ["object", "null"]},
        split={"type": ["object", "null"]},
        policies=listed({"type": "object"}),
        left_out=WHOLE,
        not_asked=WHOLE,
        never_asked=listed({"type": "object"}),
    ),
    "OwnAnswer": record(
        id=TEXT,
        at=TEXT,
        listener=TEXT,
        client=TEXT,
        method=TEXT,
        target=TEXT,
        status={"type": ["integer", "null"]},
        reason=TEXT,
        detail=TEXT,
        policy=MAYBE_TEXT,
        pool=MAYBE_TEXT,
        member=MAYBE_TEXT,
        tries=WHOLE,
        attempts=listed(record(member=TEXT, reason=TEXT, detail=TEXT, after={"type": "number"})),
        times={"type": "object", "additionalProperties": {"type": "number"}},
    ),
    "OwnAnswerList": record(items=listed(named("OwnAnswer"))),
    "MemberStates": record(items=listed(named("MemberState"))),
    "Token": record(**_TOKEN, **_MADE_TOKEN),
    "MadeToken": record(**_TOKEN, **_MADE_TOKEN, token=TEXT),
    "TokenList": record(items=listed(record(**_TOKEN))),
    "Status": record(
        node=TEXT,
        version=TEXT,
        ready=FLAG,
        revision=WHOLE,
        file_generation=WHOLE,
        workers=record(wanted=WHOLE, serving=WHOLE),
        members={"type": "object"},
        panic=listed(ANYTHING),
        problems=listed(TEXT),
        listeners=listed({"type": "object"}),
    ),
}


def schemas() -> dict[str, Schema]:
    """Every schema that has a name."""
    done: dict[str, Schema] = dict(_FIXED)
    for change in (StateChange, AddressChange, Asked, NewToken, TokenRotation):
        done[change.__name__] = definition(change)
    for cls in (*COLLECTIONS.values(), HealthMonitor):
        for name, inner in nested(cls).items():
            done.setdefault(name, definition(inner))
    for cls in (*COLLECTIONS.values(), HealthMonitor):
        done.update(_of_resource(cls))
    done["Configuration"] = {
        "type": "object",
        "description": "Objects in the form of the configuration file.",
        "properties": {
            "version": WHOLE,
            **{name: listed(named(f"{cls.__name__}New")) for name, cls in COLLECTIONS.items()},
        },
    }
    for name, inner in nested(RequestTest).items():
        done.setdefault(name, definition(inner))
    done["ConfigurationToApply"] = {
        **done["Configuration"],
        "description": "The same, with tests: nothing changes unless all of them pass.",
        "properties": {
            **done["Configuration"]["properties"],
            "tests": listed(definition(RequestTest)),
        },
    }
    found: dict[str, Schema] = _led(done)
    return found


def _of_resource(cls: type) -> dict[str, Schema]:
    """What is answered of one kind of objects, what is sent, and what lists of it are."""
    name = cls.__name__
    told = _TOLD.get(getattr(cls, "COLLECTION", ""), {})
    children: Mapping[str, str] = getattr(cls, "CHILDREN", {})
    models = {key: COLLECTIONS[collection].__name__ for key, collection in children.items()}
    fields = properties(cls)
    identity = {"id": TEXT, "name": TEXT}
    answered = {n: f for n, f in fields.items() if n not in secret_fields(cls)}
    answered.update({key: listed(named(model)) for key, model in models.items()})
    sent = {n: _led(f, {_MONITOR: f"{_MONITOR}New"}) for n, f in fields.items()}
    sent.update({key: listed(named(f"{model}New")) for key, model in models.items()})
    kept = {n: {**f, "readOnly": True} for n, f in {**_META, **told}.items()}
    return {
        name: {
            "type": "object",
            "description": summary(cls),
            "properties": {**identity, **_META, **answered, **told},
            "required": ["id"],
        },
        f"{name}New": {
            "description": f"{summary(cls)} As it is sent, also in the short forms of the file.",
            "anyOf": [
                {
                    "type": "object",
                    "properties": {**kept, **sent},
                    "required": needed(cls),
                    "additionalProperties": False,
                },
                *_short(cls),
            ],
        },
        f"{name}News": {
            "anyOf": [listed(named(f"{name}New")), record(items=listed(named(f"{name}New")))]
        },
        f"{name}Patch": {
            "type": "object",
            "description": "The fields that change (RFC 7396); null gives a field its default.",
            "properties": {n: {"anyOf": [f, {"type": "null"}]} for n, f in fields.items()},
        },
        f"{name}List": record(items=listed(named(name)), next=MAYBE_TEXT, revision=WHOLE),
    }


def _short(cls: type) -> list[Schema]:
    """What else stands for an object: a text, or fields that imply others."""
    if getattr(cls, "expand", None) is None:
        return []
    return [TEXT, {"type": "object"}]


def _led(schema: Any, other: Mapping[str, str] = _AS_IT_IS) -> Any:
    """
    The schema with its references leading to where these schemas are.

    @param other: names that lead elsewhere.
    """
    if isinstance(schema, dict):
        return {k: _where(v, other) if k == "$ref" else _led(v, other) for k, v in schema.items()}
    return [_led(each, other) for each in schema] if isinstance(schema, list) else schema


def _where(reference: str, other: Mapping[str, str]) -> str:
    name = reference.rpartition("/")[2]
    return f"#/components/schemas/{other.get(name, name)}"
