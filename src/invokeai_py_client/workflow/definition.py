"""The workflow file, frozen: what the user exported, exactly as it was."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Optional, Union

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.workflow.json_data import (
    copy_json,
    decode_text,
    parse_json,
    text_at,
)
from invokeai_py_client.workflow.loaded import WorkflowWarning
from invokeai_py_client.workflow.pictures import is_picture, workflow_text
from invokeai_py_client.workflow.unwrapping import unwrap

__all__ = ["WorkflowDefinition"]

# Pictures of a hundred megapixels fit; nothing larger is read into memory.
MAX_FILE_BYTES = 512 * 1024 * 1024


class WorkflowDefinition:
    """A workflow as the GUI exported it; nothing ever changes it.

    Make one with `from_file`, `from_json` or `from_dict`. Two definitions are equal
    when their content is, whatever the order of keys.

    Attributes:
        warnings: What had to be taken off to get at the workflow, such as the
            library record around it.
    """

    def __init__(
        self, document: Mapping[str, Any], *, source: str = "the document"
    ) -> None:
        """Wrap a document; see `from_dict`.

        Args:
            document: The JSON object; it is copied.
            source: What to call it in errors.
        """
        workflow, warnings = unwrap(document, source)
        self._document: dict[str, Any] = copy_json(workflow)
        self.warnings: tuple[WorkflowWarning, ...] = tuple(warnings)

    @classmethod
    def from_file(cls, path: Union[str, PathLike[str]]) -> WorkflowDefinition:
        """Read a JSON file, or the workflow that a PNG from InvokeAI carries.

        Raises:
            WorkflowFormatError: The file cannot be read, or holds no workflow.
        """
        file = Path(path)
        try:
            with file.open("rb") as opened:
                # A device has no size and no end.
                content = opened.read(MAX_FILE_BYTES + 1)
            if len(content) > MAX_FILE_BYTES:
                raise WorkflowFormatError(f"{file} is too large for a workflow")
        except FileNotFoundError as error:
            where = "" if file.is_absolute() else f" in {Path.cwd()}"
            raise WorkflowFormatError(f"there is no file {file}{where}") from error
        except OSError as error:
            raise WorkflowFormatError(f"{file} cannot be read: {error}") from error
        except ValueError as error:  # a NUL character in the path
            raise WorkflowFormatError(f"{path!r} is no file name") from error
        return cls.from_bytes(content, source=str(file))

    @classmethod
    def from_bytes(
        cls, content: bytes, *, source: str = "the file"
    ) -> WorkflowDefinition:
        """Read the content of a JSON file or of a PNG picture.

        Raises:
            WorkflowFormatError: It holds no workflow.
        """
        if is_picture(content):
            return cls.from_json(workflow_text(content, source), source=source)
        return cls.from_json(decode_text(content, source), source=source)

    @classmethod
    def from_json(cls, text: str, *, source: str = "the text") -> WorkflowDefinition:
        """Read a workflow from JSON text.

        Raises:
            WorkflowFormatError: The text is no JSON or holds no workflow.
        """
        return cls(parse_json(text.lstrip("\ufeff"), source), source=source)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> WorkflowDefinition:
        """Take a workflow from JSON data, which is copied.

        A library record or a queue body that wraps a workflow is unwrapped, with a
        warning.

        Raises:
            WorkflowFormatError: It holds no workflow; graphs without a workflow and
                ComfyUI prompts are named as what they are.
        """
        return cls(document)

    def to_dict(self) -> dict[str, Any]:
        """A deep copy of the workflow's JSON."""
        copied: dict[str, Any] = copy_json(self._document)
        return copied

    @property
    def document(self) -> Mapping[str, Any]:
        """The workflow's JSON itself, for reading only; `to_dict` gives a copy."""
        return self._document

    def to_json(self, *, indent: Optional[int] = 2) -> str:
        """The workflow as JSON text, keys in the file's order."""
        return json.dumps(self._document, indent=indent, ensure_ascii=False)

    @property
    def name(self) -> str:
        """The workflow's name; ``""`` when it has none."""
        return text_at(self._document, "name")

    @property
    def description(self) -> str:
        """What the author says about it."""
        return text_at(self._document, "description")

    @property
    def author(self) -> str:
        """Who made it."""
        return text_at(self._document, "author")

    @property
    def contact(self) -> str:
        """How to reach the author."""
        return text_at(self._document, "contact")

    @property
    def notes(self) -> str:
        """The author's notes."""
        return text_at(self._document, "notes")

    @property
    def version(self) -> str:
        """The author's version of the workflow, in any form."""
        return text_at(self._document, "version")

    @property
    def tags(self) -> tuple[str, ...]:
        """The workflow's tags; the file holds them as one text with commas."""
        parts = (part.strip() for part in text_at(self._document, "tags").split(","))
        return tuple(part for part in parts if part)

    @property
    def format_version(self) -> Optional[str]:
        """Version of the file format, such as ``"4.0.0"``; None when not given."""
        meta = self._document.get("meta")
        version = meta.get("version") if isinstance(meta, dict) else None
        return version if isinstance(version, str) else None

    meta_version = format_version

    @property
    def node_ids(self) -> tuple[str, ...]:
        """Ids of all nodes in the file's order, notes and connectors included."""
        found: Sequence[Any] = self._document["nodes"]
        ids = (node.get("id") for node in found if isinstance(node, dict))
        return tuple(node_id for node_id in ids if isinstance(node_id, str))

    @cached_property
    def _canonical(self) -> str:
        return json.dumps(self._document, sort_keys=True)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WorkflowDefinition):
            return NotImplemented
        return self._canonical == other._canonical

    def __hash__(self) -> int:
        return hash(self._canonical)

    def __repr__(self) -> str:
        nodes = len(self._document["nodes"])
        return f"<WorkflowDefinition {self.name!r}, {nodes} nodes>"
