"""Say what a server's OpenAPI document adds, changes and removes for this library.

    python scripts/openapi_drift.py openapi.json

`openapi.json` is what the newer server gives at `/openapi.json`. It is compared with
the document that the contract tests check our requests against. Every difference of an
operation is listed: parameters, body and answer, whatever they refer to included; for
those that the library uses, with the methods. The samples of the contract tests are
made against the new document too, and what it would refuse of our requests is listed
last. The exit code is 1 when something that we use was removed or refuses us.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "scripts")]


def differences(old: Any, new: Any, place: str = "") -> Iterator[str]:
    """What is different between two JSON values, by place."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            inner = f"{place}.{key}" if place else str(key)
            if key not in new:
                yield f"{inner}: removed"
            elif key not in old:
                yield f"{inner}: added"
            else:
                yield from differences(old[key], new[key], inner)
    elif isinstance(old, list) and isinstance(new, list):
        yield from list_differences(old, new, place)
    elif old != new:
        yield f"{place}: {short(old)} -> {short(new)}"


def list_differences(old: list[Any], new: list[Any], place: str) -> Iterator[str]:
    """Lists of a schema are sets: of choices, of names, of parameters."""
    before = {named(item): item for item in old}
    after = {named(item): item for item in new}
    for key in before:
        if key not in after:
            yield f"{place}: without {short(key)}"
        else:
            yield from differences(before[key], after[key], f"{place}[{short(key)}]")
    yield from (f"{place}: with {short(key)}" for key in after if key not in before)


def named(item: Any) -> str:
    if isinstance(item, dict) and "name" in item and "in" in item:
        return str(item["name"])
    return item if isinstance(item, str) else json.dumps(item, sort_keys=True)


def short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def expanded(part: Any, schemas: Mapping[str, Any], above: tuple[str, ...] = ()) -> Any:
    """`part` with what it refers to in place; a schema inside itself stays a name."""
    if isinstance(part, list):
        return [expanded(item, schemas, above) for item in part]
    if not isinstance(part, dict):
        return part
    name = str(part.get("$ref", "")).rpartition("/")[2]
    if name in schemas and name not in above:
        return expanded(schemas[name], schemas, (*above, name))
    return {key: expanded(value, schemas, above) for key, value in part.items()}


def operations(document: Mapping[str, Any]) -> dict[str, Any]:
    """Operations with everything that they refer to, by name."""
    schemas = document["components"]["schemas"]
    return {
        f"{method.upper()} {path}": expanded(data, schemas)
        for path, methods in document["paths"].items()
        for method, data in methods.items()
    }


def refusals(document: Any) -> Iterator[str]:
    """What the new document does not allow of the requests that we build."""
    from contract.calls import all_calls, perform

    with tempfile.TemporaryDirectory() as folder:
        for call in all_calls():
            recorder = perform(call, old_schema(), Path(folder))
            for request in recorder.requests:
                operation = document.find(request)
                if operation is None:
                    name = f"{request.method} {request.path}"
                    if name not in call.outside:
                        yield f"{call.method}: no operation for {name}"
                    continue
                for problem in operation.problems(request):
                    yield f"{call.method}: {operation.name}: {problem}"


def old_schema() -> Any:
    from contract.api_schema import api_schema

    return api_schema()


def report(new: Mapping[str, Any]) -> Iterator[tuple[str, list[str], bool]]:
    """Sections of the report: heading, lines, and whether they break something."""
    from contract.api_schema import ApiSchema
    from contract.index import methods_by_operation

    used = methods_by_operation()
    before, after = operations(old_schema().document), operations(new)
    yield "Added", sorted(set(after) - set(before)), False
    removed = sorted(set(before) - set(after))
    lines = [
        f"{name}  used by {', '.join(used.get(name, ['nothing']))}" for name in removed
    ]
    yield "Removed", lines, any(name in used for name in removed)
    changed = []
    for name in sorted(set(before) & set(after)):
        found = list(dict.fromkeys(differences(before[name], after[name])))
        if found:
            changed.append(f"{name}  used by {', '.join(used.get(name, ['nothing']))}")
            changed += [f"    {line}" for line in found]
    yield "Changed", changed, False
    refused = list(dict.fromkeys(refusals(ApiSchema(new))))
    yield "Refused of what we send", refused, bool(refused)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("document", type=Path, help="a newer server's /openapi.json")
    options = parser.parse_args()
    from build_api_schema import reduced

    new = reduced(json.loads(options.document.read_text(encoding="utf-8")))
    breaks = False
    for heading, lines, is_break in report(new):
        count = sum(not line.startswith(" ") for line in lines)
        print(f"{heading}: {count or 'nothing'}")
        for line in lines:
            print(f"  {line}")
        breaks = breaks or is_break
    return 1 if breaks else 0


if __name__ == "__main__":
    raise SystemExit(main())
