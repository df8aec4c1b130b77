"""The interface for people to read: the machine's description as a plain page, with nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code{font-family:ui-monospace,monospace}h2{margin-top:2.5rem;font-size:1rem}"
    "table{border-collapse:collapse}td,th{text-align:left;padding:.1rem 1rem .1rem 0;vertical-align:top}"
)


def reference_page(schema: Mapping[str, Any]) -> str:
    """A page of HTML for an OpenAPI description."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f"<title>{escape(schema['info']['title'])}</title><style>{_STYLE}</style>",
        f"<h1>{escape(schema['info']['title'])}</h1><p>{escape(schema['info'].get('description', ''))}</p>",
        '<p>For machines: <a href="/openapi.json">openapi.json</a></p>',
    ]
    for address, methods in schema["paths"].items():
        for method, operation in methods.items():
            parts += _operation(schema, address, method, operation)
    return "".join(parts)


def _operation(schema: Mapping[str, Any], address: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h2><code>{escape(method.upper())} {escape(address)}</code></h2>"
    yield f"<p>{escape(operation.get('summary', ''))}</p>"
    rows = [
        (parameter["name"], f"{_kind(schema, parameter.get('schema', {}))}, in the {parameter['in']}")
        for parameter in operation.get("parameters", ())
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    members = _resolved(schema, body).get("properties", {})
    rows += [(name, _kind(schema, member)) for name, member in members.items()]
    if rows:
        yield "<table>"
        yield from (f"<tr><td><code>{escape(name)}</code><td>{escape(kind)}" for name, kind in rows)
        yield "</table>"


def _resolved(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference leads to."""
    reference = part.get("$ref")
    return part if reference is None else schema["components"]["schemas"][reference.rsplit("/", 1)[-1]]


def _kind(schema: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    """What a member may be, in words."""
    if "$ref" in part:
        members = _resolved(schema, part).get("properties", {})
        return f"object of {', '.join(members)}" if members else str(_resolved(schema, part).get("type", "anything"))
    if "anyOf" in part:
        kinds = [_kind(schema, each) for each in part["anyOf"] if each.get("type") != "null"]
        return " or ".join(kinds)
    if "enum" in part:
        return "one of " + ", ".join(map(str, part["enum"]))
    if part.get("type") == "array":
        return f"list of {_kind(schema, part.get('items', {}))}"
    limits = [str(part[name]) for name in ("minimum", "maximum") if name in part]
    return str(part.get("type", "anything")) + (f", {' to '.join(limits)}" if limits else "")
