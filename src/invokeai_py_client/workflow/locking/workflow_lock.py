"""`WorkflowLock`: which field each name of a workflow's input means."""

from __future__ import annotations

import hashlib
import json
import keyword
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Optional, Union

from pydantic import TypeAdapter, ValidationError

from invokeai_py_client._arguments import checked
from invokeai_py_client._exports import one_line, set_module
from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.image.files import whole_file
from invokeai_py_client.workflow.document.json_data import decode_text, parse_json
from invokeai_py_client.workflow.locking.wiring import Wiring

FORMAT = "invokeai-py-client/workflow-lock"
VERSION = 1
SUFFIX = ".lock.json"
# A workflow of thousands of nodes has a lock of a megabyte.
_MAX_BYTES = 64 * 1024 * 1024


@set_module("invokeai_py_client.workflow")
@dataclass(frozen=True)
class LockedInput:
    """What one name means.

    Attributes:
        node_id: The node it belongs to.
        field_name: The field's name in the graph.
        type: The server's type name, such as ``IntegerField``, with ``[]`` after it for
            a list and ``[?]`` for one value or a list; empty when it was not known.
        label: What the GUI showed, by which the input is found too.
        node_type: The node's invocation type.
        limits: What the server allowed, by the names of `Limits`.
        default: The value of a fresh node in wire form; None when there is none.
    """

    node_id: str
    field_name: str
    type: str
    label: str
    node_type: str
    limits: Mapping[str, Any] = field(default_factory=dict)
    default: Any = None

    @property
    def target(self) -> tuple[str, str]:
        """(node id, field name): what the input sets in the graph."""
        return self.node_id, self.field_name


@set_module("invokeai_py_client.workflow")
@dataclass(frozen=True)
class WorkflowLock:
    """Names of a workflow's inputs, kept apart from its form.

    `handle.create_lock()` makes one. `load` takes the one beside a workflow's file:
    ``portrait.lock.json`` for ``portrait.json``.

    Attributes:
        workflow: The workflow's name, for people.
        server_version: The version of the node types that it was made with; None when
            not known.
        inputs: What each name means, in the form's order.
        wiring: How the nodes were connected, by which one that was made again is found.
    """

    workflow: str
    server_version: Optional[str]
    inputs: Mapping[str, LockedInput]
    wiring: Wiring = field(repr=False)

    @property
    def form_digest(self) -> str:
        """SHA-256 of what the form showed: fields, labels and types, in order."""
        shown = [
            [name, item.node_id, item.field_name, item.label, item.type]
            for name, item in self.inputs.items()
        ]
        return hashlib.sha256(json.dumps(shown).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The lock as JSON data; the same lock gives the same text."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "workflow": self.workflow,
            "server_version": self.server_version,
            "form_digest": self.form_digest,
            "inputs": {name: asdict(item) for name, item in self.inputs.items()},
            "nodes": dict(sorted(self.wiring.nodes.items())),
            "edges": [list(edge) for edge in sorted(self.wiring.edges)],
        }

    def to_json(self) -> str:
        """The text of a lock file."""
        document = self.to_dict()
        edges = [json.dumps(edge) for edge in document.pop("edges")]
        rest = json.dumps(document, indent=2, ensure_ascii=False).removesuffix("\n}")
        # A line for each, as for what a person compares.
        listed = ",".join(f"\n    {edge}" for edge in edges)
        return f'{rest},\n  "edges": [{listed}\n  ]\n}}\n'

    @checked
    def save(self, path: Union[str, os.PathLike[str]]) -> Path:
        """Write a lock file: whole or not at all.

        Args:
            path: The file, which is replaced.

        Returns:
            The path that was written.

        Raises:
            OSError: It cannot be written; what was there is still there.
        """
        target = Path(path).expanduser()
        with whole_file(target) as file:
            file.write(self.to_json().encode("utf-8", "surrogatepass"))
        return target

    @classmethod
    @checked
    def from_file(cls, path: Union[str, os.PathLike[str]]) -> WorkflowLock:
        """Read a lock file.

        Raises:
            WorkflowFormatError: It cannot be read, or is not a lock file of this
                version. Make another with `ivk workflow lock`.
        """
        file = Path(path).expanduser()
        try:
            with file.open("rb") as opened:
                content = opened.read(_MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            raise WorkflowFormatError(
                f"the lock file {file} cannot be read: {error}"
            ) from error
        if len(content) > _MAX_BYTES:
            raise WorkflowFormatError(f"{file} is too large for a lock file")
        document = parse_json(decode_text(content, str(file)), str(file))
        if not isinstance(document, dict):
            raise WorkflowFormatError(f"{file} is not a lock file: it has no format")
        return cls.from_dict(document, source=str(file))

    @classmethod
    def from_dict(
        cls, document: Mapping[str, Any], *, source: str = "the lock"
    ) -> WorkflowLock:
        """Read a lock from JSON data.

        Args:
            document: What `to_dict` returned.
            source: What to call it in errors.

        Raises:
            WorkflowFormatError: It is not a lock, or one of another version.
        """
        if document.get("format") != FORMAT:
            raise WorkflowFormatError(
                f"{source} is not a lock file: its format is "
                f"{one_line(repr(document.get('format')))[:80]}, not {FORMAT!r}"
            )
        if document.get("version") != VERSION:
            raise WorkflowFormatError(
                f"{source} is a lock file of version {document.get('version')!r}; this "
                f"library reads version {VERSION}",
                hint="update the library, or make the lock anew",
            )
        try:
            stored = _adapter().validate_python(dict(document))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise WorkflowFormatError(
                f"{source} is damaged: {place}: {first['msg']}",
                hint="make it anew with `ivk workflow lock`",
            ) from None
        bad = [name for name in stored.inputs if not _is_name(name)]
        if bad:
            raise WorkflowFormatError(
                f"{source} is damaged: {bad[0]!r} cannot be the name of an input; a "
                "name is a Python identifier"
            )
        return cls(
            stored.workflow,
            stored.server_version,
            {name: LockedInput(**vars(item)) for name, item in stored.inputs.items()},
            Wiring(stored.nodes, stored.edges),
        )

    def __repr__(self) -> str:
        return one_line(
            f"<WorkflowLock {str(self.workflow)[:100]!r}: {len(self.inputs)} inputs>"
        )


@dataclass(frozen=True)
class _StoredInput:
    """A `LockedInput` as it is read: pydantic wants a class under its own module."""

    node_id: str
    field_name: str
    type: str
    label: str
    node_type: str
    limits: dict[str, Any]
    default: Any


@dataclass(frozen=True)
class _Stored:
    """The parts of a lock file that are read."""

    workflow: str
    server_version: Optional[str]
    inputs: dict[str, _StoredInput]
    nodes: dict[str, str]
    edges: list[tuple[str, str, str, str]]


@cache
def _adapter() -> TypeAdapter[_Stored]:
    return TypeAdapter(_Stored)


def _is_name(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


def lock_path(workflow: Union[str, os.PathLike[str]]) -> Path:
    """Where the lock of a workflow's file is: ``a/b.lock.json`` for ``a/b.json``."""
    path = Path(workflow).expanduser()
    return path.with_name(path.stem + SUFFIX)
