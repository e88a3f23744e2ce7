"""The description of the API as one plain page: no script, nothing loaded from anywhere."""

from __future__ import annotations

import json
from html import escape
from typing import Any

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code,pre{font:14px/1.4 ui-monospace,monospace}pre{background:#f4f4f2;padding:.8rem;overflow:auto}"
    "h2{margin-top:2.5rem;border-top:1px solid #ccc;padding-top:1rem}table{border-collapse:collapse}"
    "td,th{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top}"
    "@media(prefers-color-scheme:dark){body{background:#161615;color:#eee}pre{background:#262624}a{color:#8cf}}"
)


def render(description: dict[str, Any]) -> str:
    """The OpenAPI description as HTML."""
    info = description["info"]
    parts = [
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info['description'])}</p>",
        '<p>For machines: <a href="/openapi.json">openapi.json</a>. Where a token is set, send '
        "<code>Authorization: Bearer TOKEN</code>. Errors are OpenAI's: "
        '<code>{"error": {"message", "type", "param", "code"}}</code>.</p>',
    ]
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            parts.append(_operation(path, method, operation, description))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>paperchat: HTTP API</title><style>{STYLE}</style><body>{''.join(parts)}</body></html>"
    )


def _operation(path: str, method: str, operation: dict[str, Any], description: dict[str, Any]) -> str:
    text = f"<h2><code>{method.upper()} {escape(path)}</code></h2><p><b>{escape(operation.get('summary', ''))}.</b> "
    text += escape(operation.get("description", "")) + "</p>"
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = _resolved(content.get("schema", {}), description)
        text += f"<p>Body, <code>{escape(kind)}</code>:</p>{_fields(schema)}"
        if example := schema.get("example"):
            text += f"<pre>{escape(_call(path, example))}</pre>"
    answers = ", ".join(f"<code>{escape(status)}</code>" for status in sorted(operation.get("responses", {})))
    schema = operation.get("responses", {}).get("200", {}).get("content", {}).get("application/json", {}).get("schema")
    if schema:
        schema = _resolved(schema.get("items", schema), description)
        text += f"<p>Answer:</p>{_fields(schema)}"
    return f"{text}<p>Status: {answers}</p>"


def _call(path: str, example: Any) -> str:
    body = json.dumps(example, ensure_ascii=False)
    return f"curl http://127.0.0.1:7861{path} -H 'Content-Type: application/json' -d '{body}'"


def _fields(schema: dict[str, Any]) -> str:
    needed = schema.get("required", [])
    rows = [
        f"<tr><td><code>{escape(name)}</code>{'' if name in needed else ' (may be left out)'}</td>"
        f"<td>{escape(_kind(field))}</td><td>{escape(field.get('description', ''))}</td></tr>"
        for name, field in schema.get("properties", {}).items()
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""


def _kind(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_kind(option) for option in field["anyOf"]))
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}))}"
    return str(field.get("type", field.get("const", "anything")))


def _resolved(schema: dict[str, Any], description: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema
