"""The workflow file, frozen: what the user exported, exactly as it was."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union
from urllib.parse import urlsplit

from invokeai_py_client._arguments import checked
from invokeai_py_client._exports import set_module
from invokeai_py_client._suggestions import did_you_mean, list_names, near_names
from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.workflow.document.json_data import (
    copy_json,
    decode_text,
    parse_json,
    text_at,
)
from invokeai_py_client.workflow.document.other_files import refuse_other_files
from invokeai_py_client.workflow.document.png_metadata import is_image, png_texts
from invokeai_py_client.workflow.document.unwrap import unwrap
from invokeai_py_client.workflow.document.warnings import WorkflowWarning

# Images of a hundred megapixels fit; nothing larger is read into memory.
MAX_FILE_BYTES = 512 * 1024 * 1024


@set_module("invokeai_py_client")
class WorkflowDefinition:
    """A workflow as the GUI exported it; nothing ever changes it.

    Make one with `from_file`, `from_json` or `from_dict`. Two definitions are equal
    when their content is, in any order of keys.

    Attributes:
        warnings: What had to be taken off to get at the workflow, such as the
            library record around it, and values of the graph beside it.
        is_graph: It was made of a graph alone: it has no form, and the server says
            which versions its nodes have.
        loaded_from: The file, or the image or workflow of the server, that it was read
            from; None when it was in memory.
        file: The file that it was read from; None when it was not a file. A lock is
            looked for beside it.
    """

    loaded_from: Optional[str] = None
    file: Optional[Path] = None

    def __init__(
        self, document: Mapping[str, Any], *, source: str = "the document"
    ) -> None:
        """Wrap a document; see `from_dict`.

        Args:
            document: The JSON object; it is copied.
            source: What to call it in errors.
        """
        found = unwrap(document, source)
        self._document: dict[str, Any] = copy_json(found.workflow)
        self.warnings: tuple[WorkflowWarning, ...] = tuple(found.warnings)
        self.is_graph = found.is_graph

    if not TYPE_CHECKING:  # Which would let every attribute be set.

        def __setattr__(self, name: str, value: Any) -> None:
            if isinstance(getattr(type(self), name, None), property):
                raise AttributeError(
                    f"WorkflowDefinition.{name} cannot be set: nothing changes a "
                    "definition; change what to_dict() returns and make another with "
                    "from_dict"
                )
            super().__setattr__(name, value)

    @classmethod
    def from_file(cls, path: Union[str, os.PathLike[str]]) -> WorkflowDefinition:
        """Read a JSON file, or the workflow that a PNG from InvokeAI carries.

        Raises:
            WorkflowFormatError: The file cannot be read, or holds no workflow.
        """
        file = local_path(path)
        try:
            with file.open("rb") as opened:
                # A device has no size and no end.
                content = opened.read(MAX_FILE_BYTES + 1)
            if len(content) > MAX_FILE_BYTES:
                raise WorkflowFormatError(f"{file} is too large for a workflow")
        except FileNotFoundError:
            raise _no_file(file) from None
        except IsADirectoryError:
            raise _is_folder(file) from None
        except OSError as error:
            raise WorkflowFormatError(f"{file} cannot be read: {error}") from error
        except ValueError as error:  # a NUL character in the path
            raise WorkflowFormatError(f"{path!r} is not a file name") from error
        made = cls.from_bytes(content, source=str(file))
        made.loaded_from = os.fspath(path)
        made.file = file
        return made

    @classmethod
    @checked
    def from_bytes(
        cls, content: bytes, *, source: str = "the file"
    ) -> WorkflowDefinition:
        """Read the content of a JSON file or of a PNG image.

        Raises:
            WorkflowFormatError: It holds no workflow.
        """
        refuse_other_files(content, source)
        if is_image(content):
            return cls(png_texts(content, source), source=source)
        return cls.from_json(decode_text(content, source), source=source)

    @classmethod
    @checked
    def from_json(
        cls, text: Union[str, bytes], *, source: str = "the text"
    ) -> WorkflowDefinition:
        """Read a workflow from JSON text, which may have comments.

        Raises:
            WorkflowFormatError: The text is not JSON or holds no workflow.
        """
        if not isinstance(text, str):
            return cls.from_bytes(text, source=source)
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
        """The workflow's JSON itself, for reading only; `to_dict` returns a copy."""
        return self._document

    @checked
    def to_json(self, *, indent: Optional[int] = 2) -> str:
        """The workflow as JSON text, keys in the file's order."""
        return json.dumps(self._document, indent=indent, ensure_ascii=False)

    @property
    def name(self) -> str:
        """The workflow's name; ``""`` when it has none."""
        return text_at(self._document, "name")

    @property
    def description(self) -> str:
        """The author's description."""
        return text_at(self._document, "description")

    @property
    def author(self) -> str:
        """The author's name."""
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
        """The workflow's tags; the file holds them as one string with commas."""
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


WorkflowContent = Union[
    WorkflowDefinition, str, "os.PathLike[str]", bytes, Mapping[str, Any]
]
"""A workflow at hand: a definition, a file, an image, the content of a JSON file."""


def read_definition(source: WorkflowContent) -> WorkflowDefinition:
    """The definition of a workflow that is at hand; reads files, asks no server.

    Raises:
        WorkflowFormatError: It holds no workflow.
    """
    if isinstance(source, WorkflowDefinition):
        return source
    if isinstance(source, Mapping):
        return WorkflowDefinition.from_dict(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return WorkflowDefinition.from_bytes(bytes(source))
    if isinstance(source, str) and is_json(source):
        return WorkflowDefinition.from_json(source)
    return WorkflowDefinition.from_file(source)


def is_json(text: str) -> bool:
    """True for a string that is JSON rather than a name."""
    return text.lstrip("\ufeff \t\r\n").startswith("{")


def local_path(path: Union[str, os.PathLike[str]]) -> Path:
    """The path that a user means: ``~`` is the home, ``file:`` an address of a file.

    Raises:
        WorkflowFormatError: It is another address, the home of nobody, or no path.
    """
    text = (
        path if isinstance(path, str) else getattr(path, "__fspath__", lambda: None)()
    )
    if not isinstance(text, str):
        raise WorkflowFormatError(
            f"cannot load a workflow from a {type(path).__name__}",
            hint="pass the path or the content of a file or an image, a definition or "
            "a dict; load() also takes an image object, and a name of the library",
        )
    scheme = text.partition("://")[0] if "://" in text else ""
    if scheme == "file":
        # Imported here: it loads an HTTP client.
        from urllib.request import url2pathname

        return Path(url2pathname(urlsplit(text).path))
    if isinstance(path, str) and scheme:
        raise WorkflowFormatError(
            f"{text} is an address, which is not fetched",
            hint="download the file, and load it",
        )
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise WorkflowFormatError(f"there is no file {text}: {error}") from None


def _no_file(file: Path) -> WorkflowFormatError:
    folder = file.parent
    where = "" if file.is_absolute() else f" in {Path.cwd()}"
    if not folder.is_dir():
        return WorkflowFormatError(
            f"there is no file {file}{where}: there is no folder {folder}"
        )
    near = near_names(file.name, _names_in(folder))
    return WorkflowFormatError(
        f"there is no file {file}{where}", hint=did_you_mean(near) or None
    )


def _is_folder(folder: Path) -> WorkflowFormatError:
    names = [n for n in _names_in(folder) if n.lower().endswith((".json", ".png"))]
    return WorkflowFormatError(
        f"{folder} is a folder", hint=f"load one of its files: {list_names(names)}"
    )


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError:
        return []
