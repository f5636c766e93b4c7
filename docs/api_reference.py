"""
Write docs/api-reference.html out of what GET /openapi.json answers.

Run it in the root of the sources: C{python docs/api_reference.py}. A test says
when it has to be run again.
"""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

from fiberlb.api.rest.openapi import described
from fiberlb.api.rest.routes import ROUTES

_STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;"
    "padding:.2em .8em .2em 0;border-bottom:1px solid #ddd}"
    "code{font-size:.92em}h2,h3{margin-top:2em}"
)
_HEAD = '<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>FiberLB: REST API</title>\n'


def page(document: dict[str, Any]) -> str:
    """The page of a description in OpenAPI's words."""
    parts: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            row = _operation(method.upper(), path, operation)
            parts.setdefault(operation["tags"][0], []).append(row)
    models = document["components"]["schemas"]
    shown = [name for name in models if f"{name}New" in models] + _inner(models)
    body = [f"<p>{escape(document['info']['description'])}</p>"]
    body.append(
        '<p>Made of <code>GET /openapi.json</code>; see also <a href="api.rst">api.rst</a>.</p>'
    )
    for tag, rows in parts.items():
        heads = "<tr><th>Request<th>What it does<th>Role<th>Body<th>Statuses</tr>"
        body.append(f"<h2>{escape(tag)}</h2>\n<table>{heads}\n" + "\n".join(rows) + "\n</table>")
    body.append("<h2>Objects</h2>")
    body += [_model(name, models[name]) for name in shown]
    return (
        f"{_HEAD}<style>{_STYLE}</style>\n<h1>The REST API</h1>\n" + "\n".join(body) + "\n</html>\n"
    )


def _inner(models: dict[str, Any]) -> list[str]:
    """What objects hold that is no object of its own."""
    return [n for n, m in models.items() if m.get("additionalProperties") is False]


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    takes = operation.get("requestBody", {}).get("content", {})
    words = {_word(media["schema"]) for media in takes.values()}
    cells = [
        f"<code>{method} {escape(path)}</code>",
        escape(operation["summary"]),
        operation["x-role"],
        "".join(words),
        " ".join(operation["responses"]),
    ]
    return "<tr>" + "".join(f"<td>{cell}" for cell in cells) + "</tr>"


def _model(name: str, model: dict[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{escape(key)}</code><td>{_word(field)}<td>{_default(field)}"
        f"<td>{escape(field.get('description', ''))}</tr>"
        for key, field in model["properties"].items()
    ]
    heads = "<tr><th>Field<th>Kind<th>Default<th></tr>"
    told = escape(model.get("description", ""))
    return (
        f'<h3 id="{name}">{name}</h3>\n<p>{told}</p>\n<table>{heads}\n'
        + "\n".join(rows)
        + "\n</table>"
    )


def _default(field: dict[str, Any]) -> str:
    return f"<code>{escape(json.dumps(field['default']))}</code>" if "default" in field else ""


def _word(schema: dict[str, Any]) -> str:
    """A schema in a word or two."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        shown = name.removesuffix("News").removesuffix("New").removesuffix("Patch")
        return f'<a href="#{shown}">{shown}</a>'
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_word(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return " ".join(f"<code>{escape(str(word))}</code>" for word in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_word(schema['items'])}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


if __name__ == "__main__":
    Path(__file__).with_name("api-reference.html").write_text(page(described(ROUTES)), "utf-8")
