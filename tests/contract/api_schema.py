"""The server's OpenAPI document: which operation a request is, and is it right.

The document in `tests/data/api-schema.json.gz` is a reduced copy of InvokeAI 6.14.2's,
made by `scripts/build_api_schema.py`; InvokeAI is licensed under Apache-2.0.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Optional
from urllib.parse import unquote

import jsonschema

from invokeai_py_client._core.messages import Request

FILE = Path(__file__).resolve().parent.parent / "data" / "api-schema.json.gz"

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00"
    b"\x00\x00\x90wS\xde\x00\x00\x00\x0cIDATx\x9cc\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00"
    b"\xc9\xfe\x92\xef\x00\x00\x00\x00IEND\xaeB`\x82"
)
"""A picture of one pixel."""


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    name: str
    path: str
    data: Mapping[str, Any]
    document: ApiSchema

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        text = re.escape(self.path).replace(re.escape("{font_path}"), "(.+)")
        return re.compile(re.sub(r"\\\{\w+\\\}", "([^/]+)", text))

    @property
    def is_deprecated(self) -> bool:
        return bool(self.data.get("deprecated"))

    def parameters(self, place: str) -> list[Mapping[str, Any]]:
        found = self.data.get("parameters", [])
        return [entry for entry in found if entry["in"] == place]

    # -- what is wrong with a request -----------------------------------------------

    def problems(self, request: Request) -> Iterator[str]:
        """Say everything about `request` that the document does not allow."""
        yield from self._path_problems(request)
        yield from self._query_problems(request)
        yield from self._body_problems(request)

    def _path_problems(self, request: Request) -> Iterator[str]:
        found = self.pattern.fullmatch(request.path)
        assert found is not None
        names = re.findall(r"\{(\w+)\}", self.path)
        schemas = {entry["name"]: entry["schema"] for entry in self.parameters("path")}
        for name, text in zip(names, found.groups()):
            # One path's parameter is not declared.
            schema = schemas.get(name, {"type": "string"})
            yield from self._value_problems(f"path {name}", unquote(text), schema)

    def _query_problems(self, request: Request) -> Iterator[str]:
        declared = {entry["name"]: entry for entry in self.parameters("query")}
        sent = {
            key: value for key, value in request.params.items() if value is not None
        }
        for name in sent.keys() - declared.keys():
            yield f"query {name}: there is no such parameter"
        for name, entry in declared.items():
            if name in sent:
                schema = entry["schema"]
                yield from self._value_problems(f"query {name}", sent[name], schema)
            elif entry.get("required"):
                yield f"query {name}: missing"

    def _value_problems(self, where: str, value: Any, schema: Any) -> Iterator[str]:
        """Check what travels as text, which the server reads as its schema says."""
        readings = [value] if isinstance(value, (list, tuple)) else list(as_read(value))
        faults = [list(self.document.faults(reading, schema)) for reading in readings]
        if all(faults):
            yield f"{where}={value!r}: {faults[0][0]}"

    def _body_problems(self, request: Request) -> Iterator[str]:
        body = self.data.get("requestBody")
        has_json = request.has_json or request.json is not None
        is_form = bool(request.form or request.files)
        if body is None:
            if has_json or is_form:
                yield "body: none is expected"
            return
        kinds = body["content"]
        if has_json:
            if "application/json" not in kinds:
                yield f"body: JSON, but {list(kinds)} is expected"
                return
            schema = kinds["application/json"]["schema"]
            for fault in self.document.faults(request.json, schema, strict=True):
                yield f"body: {fault}"
        elif is_form:
            if "multipart/form-data" not in kinds:
                yield f"body: a form, but {list(kinds)} is expected"
                return
            yield from self._form_problems(request, kinds["multipart/form-data"])
        elif body.get("required"):
            yield "body: missing"

    def _form_problems(
        self, request: Request, kind: Mapping[str, Any]
    ) -> Iterator[str]:
        schema = self.document.resolved(kind["schema"])
        declared = schema["properties"]
        files = {part.name for part in request.files}
        sent = files | set(request.form)
        for name in sent - set(declared):
            yield f"form {name}: there is no such field"
        for name in set(schema.get("required", [])) - sent:
            yield f"form {name}: missing"
        for name in sent & set(declared):
            wants_file = self.document.is_file(declared[name])
            if wants_file != (name in files):
                yield f"form {name}: {'a file' if wants_file else 'text'} is expected"
            elif name in request.form:
                text = request.form[name]
                yield from self._value_problems(f"form {name}", text, declared[name])

    # -- what an answer looks like --------------------------------------------------

    def sample_reply(self) -> tuple[int, Any]:
        """The smallest answer that the document allows: (status, JSON or bytes)."""
        for code, answer in sorted(self.data["responses"].items()):
            if not code.startswith("2"):
                continue
            content = answer.get("content", {})
            if code == "204" or not content:
                return int(code), b""
            kind, body = next(iter(content.items()))
            if kind != "application/json":
                return int(code), PNG
            return int(code), self.document.sample(body.get("schema", {}))
        raise AssertionError(f"{self.name} promises no success")


def as_read(value: Any) -> Iterator[Any]:
    """The values as which a server may read a parameter's text."""
    text = str(value)
    yield text
    if text in ("true", "false"):
        yield text == "true"
    elif re.fullmatch(r"-?\d+", text):
        yield int(text)
    # A list of one.
    yield [text]


class ApiSchema:
    """The operations of an OpenAPI document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.operations = {
            name: Operation(name, path, data, self)
            for path, methods in document["paths"].items()
            for method, data in methods.items()
            for name in [f"{method.upper()} {path}"]
        }
        # A path without gaps wins over one that fits as well.
        self._ordered = sorted(
            self.operations.values(), key=lambda operation: operation.path.count("{")
        )

    def find(self, request: Request) -> Optional[Operation]:
        """The operation that the server would run for `request`."""
        for operation in self._ordered:
            is_method = operation.name.startswith(f"{request.method} ")
            if is_method and operation.pattern.fullmatch(request.path):
                return operation
        return None

    def resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """`schema`, or what it refers to."""
        while "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            schema = self.document["components"]["schemas"][name]
        return schema

    def is_file(self, schema: Mapping[str, Any]) -> bool:
        """True for a form's field that holds a file, also if it may be left out."""
        choices = [schema, *schema.get("anyOf", [])]
        return any("contentMediaType" in choice for choice in choices)

    def faults(self, value: Any, schema: Any, *, strict: bool = False) -> Iterator[str]:
        """Why `value` does not fit; `strict` refuses keys nobody declared as well.

        The server ignores most of these, so a misspelt key would go unnoticed.
        """
        for error in self._validator(json.dumps(schema), strict).iter_errors(value):
            place = ".".join(str(part) for part in error.absolute_path)
            yield f"{place}: {error.message[:300]}" if place else error.message[:300]

    @cache  # noqa: B019  one document lives as long as the tests
    def _validator(self, schema: str, strict: bool) -> Any:
        components = self._strict_components if strict else self.document["components"]
        whole = {**json.loads(schema), "components": components}
        return jsonschema.Draft202012Validator(whole)

    @cached_property
    def _strict_components(self) -> Any:
        return closed(self.document["components"])

    def sample(self, schema: Mapping[str, Any]) -> Any:  # noqa: C901  a table
        """The smallest value that fits `schema`."""
        schema = self.resolved(schema)
        for key in ("const", "default"):
            if key in schema:
                return schema[key]
        if "enum" in schema:
            return schema["enum"][0]
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self.sample(schema[key][0])
        if "allOf" in schema:
            return self.sample(schema["allOf"][0])
        kind = schema.get("type")
        if kind == "object":
            fields = schema.get("properties", {})
            return {key: self.sample(fields[key]) for key in schema.get("required", [])}
        if kind == "array":
            return [self.sample(schema["items"])]
        if kind == "string":
            return sample_text(schema.get("format"))
        if kind in ("integer", "number"):
            return schema.get("minimum", 0)
        return {"boolean": False, "null": None}.get(kind, {})


def sample_text(form: Optional[str]) -> str:
    forms = {"date-time": "2026-01-02T03:04:05", "date": "2026-01-02"}
    return "http://host/file" if form == "uri" else forms.get(form or "", "text")


def closed(part: Any) -> Any:
    """`part` with every object that lists its properties closed for others."""
    if isinstance(part, list):
        return [closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    result = {key: closed(value) for key, value in part.items()}
    if part.get("type") == "object" and "properties" in part:
        result.setdefault("additionalProperties", False)
    return result


@cache
def api_schema() -> ApiSchema:
    """The document of InvokeAI 6.14.2."""
    return ApiSchema(json.loads(gzip.decompress(FILE.read_bytes())))
