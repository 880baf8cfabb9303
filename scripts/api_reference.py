#!/usr/bin/env python3
"""Write the reference of the API from its OpenAPI document: `docs/reference/index.md`, and the document beside it.

    python scripts/api_reference.py         as `make docs` does before it builds the site

What a route takes, answers and refuses stands in the code above it (`databunker/api/openapi`) and nowhere else.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
# Refused in the same way by nearly every route; said once, at the top.
EVERYWHERE = {"400", "403", "404", "413", "415", "429", "503"}

HEAD = """# API reference

Made from the [OpenAPI 3.1 document](openapi.json) of this release, which generators of clients read. A running server
has it at `/v1/openapi.json`, and at `/docs` a page with a form to try each route. How tokens, modes, paging and
refusals work is told once in [API v1](../api.md).

"""

Json = dict[str, Any]


class Reference:
    """The pages' text, made from one document."""

    def __init__(self, document: Json) -> None:
        self.document = document

    def text(self) -> str:
        parts = [HEAD]
        for tag in self.document["tags"]:
            parts.append(f"## {tag['name'].capitalize()}\n\n{tag['description']}\n")
            parts += [self.operation(*one) for one in self.operations(tag["name"])]
        parts.append("## Refusals\n\n" + self.refusals())
        parts.append("## Schemas\n\n" + "\n".join(self.schemas()))
        return "\n".join(parts)

    def operations(self, tag: str) -> Iterator[tuple[str, str, Json]]:
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                if tag in operation["tags"]:
                    yield method.upper(), path, operation

    def operation(self, method: str, path: str, operation: Json) -> str:
        lines = [f"### {method} {path}", "", f"**{operation['summary']}.** {operation.get('description', '')}", ""]
        if parameters := operation.get("parameters"):
            lines += ["| Parameter | In | Type | |", "|---|---|---|---|"]
            lines += [self.parameter(one) for one in parameters]
            lines.append("")
        for content, body in operation.get("requestBody", {}).get("content", {}).items():
            if content == "application/json":
                lines += self.shown("Body", body["schema"])
        for code, answer in sorted(operation["responses"].items()):
            if "$ref" in answer and code in EVERYWHERE:
                continue
            lines += self.answer(code, self.resolved(answer))
        if same := sorted(code for code, one in operation["responses"].items() if "$ref" in one and code in EVERYWHERE):
            lines += [f"Refuses with {', '.join(same)}: see [refusals](#refusals).", ""]
        return "\n".join(lines)

    def answer(self, code: str, answer: Json) -> list[str]:
        lines = []
        for content, body in answer.get("content", {"": {}}).items():
            kind = f" `{content}`" if content not in {"", "application/json"} else ""
            about = f"Answers {code}{kind}: {answer['description']}"
            lines += self.shown(about, body["schema"]) if content == "application/json" else [about, ""]
        return lines

    def shown(self, about: str, schema: Json) -> list[str]:
        """A named schema is linked to, another one written out."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return [f"{about}, [{name}](#{name.lower()})", ""]
        return [about, "", *self.fenced(schema)]

    def parameter(self, one: Json) -> str:
        one = self.resolved(one)
        schema = self.resolved(one["schema"])
        name = f"`{one['name']}`" + ("" if one.get("required") else ", optional")
        return f"| {name} | {one['in']} | {self.kind(schema)} | {cell(one.get('description', ''))} |"

    def refusals(self) -> str:
        codes: dict[str, str] = {}
        for methods in self.document["paths"].values():
            for operation in methods.values():
                for code, answer in operation["responses"].items():
                    if "$ref" in answer and code in EVERYWHERE:
                        codes[code] = self.resolved(answer)["description"]
        rows = [f"| {code} | {cell(codes[code])} |" for code in sorted(codes)]
        body = 'Bodies are `{"status":"error","message":…}`.'
        return "\n".join([body, "", "| Code | When |", "|---|---|", *rows, ""])

    def schemas(self) -> Iterator[str]:
        for name, schema in sorted(self.document["components"]["schemas"].items()):
            yield f"### {name}\n\n{schema.get('description', '')}\n"
            shown = {key: value for key, value in schema.items() if key != "description"}
            yield "\n".join(self.fenced(shown))

    def resolved(self, value: Json) -> Json:
        """What a reference within the document stands for."""
        while "$ref" in value:
            target: Any = self.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            value = target
        return value

    def kind(self, schema: Json) -> str:
        if "enum" in schema:
            return ", ".join(f"`{one}`" for one in schema["enum"])
        kinds = schema.get("type", "any")
        words = " or ".join(kinds) if isinstance(kinds, list) else kinds
        return f"{words}, {schema['format']}" if "format" in schema else str(words)

    def fenced(self, schema: Json) -> list[str]:
        return ["```text", *self.outline(schema), "```", ""]

    def outline(self, schema: Json, depth: int = 0) -> list[str]:
        """A schema as its reader writes JSON: one line a member, what is nested indented."""
        pad = "  " * depth
        if "$ref" in schema:
            return [f"{pad}{schema['$ref'].rpartition('/')[2]}"]
        for several in ("anyOf", "oneOf"):
            if choices := [one for one in schema.get(several, []) if set(one) != {"required"}]:
                return [line for one in choices for line in (*self.outline(one, depth), f"{pad}or")][:-1]
        if members := schema.get("properties"):
            required = set(schema.get("required", ()))
            lines = [f"{pad}{{"]
            for name, member in members.items():
                lines += self.member(name, member, depth + 1, optional=name not in required)
            return [*lines, f"{pad}}}"]
        if "items" in schema:
            return [f"{pad}[", *self.outline(schema["items"], depth + 1), f"{pad}, …]"]
        if "const" in schema:
            return [f"{pad}{json.dumps(schema['const'])}"]
        return [f"{pad}{self.kind(schema).replace('`', '')}"]

    def member(self, name: str, schema: Json, depth: int, *, optional: bool) -> list[str]:
        first, *rest = self.outline(schema, depth)
        about = schema.get("description")
        notes = [note for note in ("optional" if optional else "", about or "") if note]
        head = f"{'  ' * depth}{name}: {first.strip()}"
        return [head + (f"    # {', '.join(notes)}" if notes else ""), *rest]


def cell(text: str) -> str:
    """As it may stand in a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> int:
    sys.path.insert(0, str(ROOT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "databunker.settings"
    import django

    django.setup()
    from databunker.api.openapi.document import document

    described = document()
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "openapi.json").write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    (FOLDER / "index.md").write_text(Reference(described).text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
