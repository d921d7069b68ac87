"""The node types of one server, by invocation type."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, Optional

from invokeai_py_client._arguments import checked
from invokeai_py_client._exports import set_module
from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.nodes.gui_form import template_as_stored, template_from_stored
from invokeai_py_client.nodes.openapi import has_batch_keys, parse_openapi
from invokeai_py_client.nodes.template import NodeTemplate

# Raise it when the stored form changes, so that old caches are read again.
STORED_FORMAT = 4
SNAPSHOT = "nodes-6.14.2.json.gz"


@set_module("invokeai_py_client")
class NodeCatalog(Mapping[str, NodeTemplate]):
    """Every node type of a server; a read-only mapping by invocation type.

    Stored templates are read when they are first asked for, so a catalog of hundreds
    is there in milliseconds.

    Attributes:
        version: The server's version, such as ``"6.14.2"``; None when not known.
        has_batch_keys: The server's batches may have an idempotency key.
    """

    def __init__(
        self,
        templates: Optional[Mapping[str, NodeTemplate]] = None,
        *,
        version: Optional[str] = None,
        has_batch_keys: bool = False,
    ) -> None:
        self.version = version
        self.has_batch_keys = has_batch_keys
        self._read: dict[str, NodeTemplate] = dict(templates or {})
        self._stored: Mapping[str, Mapping[str, Any]] = {}
        self._names = tuple(self._read)

    @classmethod
    @checked
    def from_openapi(
        cls, openapi: Mapping[str, Any], version: Optional[str] = None
    ) -> NodeCatalog:
        """Read a server's `/openapi.json`.

        Args:
            openapi: The document.
            version: The server's version; the document does not hold it.
        """
        return cls(
            parse_openapi(openapi),
            version=version,
            has_batch_keys=has_batch_keys(openapi),
        )

    @classmethod
    def bundled(cls) -> NodeCatalog:
        """The node types of InvokeAI 6.14.2, which come with this library."""
        return _bundled()

    @classmethod
    @checked
    def from_json(cls, text: str) -> NodeCatalog:
        """Read what `to_json` wrote.

        Raises:
            WorkflowFormatError: The text was written by something else, or by
                another version of this library; fetch the catalog again.
        """
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise WorkflowFormatError(f"no node catalog: {error}") from error
        if not isinstance(document, dict) or document.get("format") != STORED_FORMAT:
            raise WorkflowFormatError(
                f"no node catalog of format {STORED_FORMAT}",
                hint="fetch it from the server again",
            )
        catalog = cls(
            version=document["version"],
            has_batch_keys=document.get("has_batch_keys") is True,
        )
        catalog._stored = document["nodes"]
        catalog._names = tuple(catalog._stored)
        return catalog

    def to_json(self) -> str:
        """The whole catalog as compact JSON text, for a cache on disk."""
        nodes = {
            name: (
                template_as_stored(self._read[name])
                if name in self._read
                else self._stored[name]
            )
            for name in self._names
        }
        document = {
            "format": STORED_FORMAT,
            "version": self.version,
            "has_batch_keys": self.has_batch_keys,
            "nodes": nodes,
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))

    def __getitem__(self, node_type: str) -> NodeTemplate:
        template = self._read.get(node_type)
        if template is None:
            template = template_from_stored(self._stored[node_type])
            self._read[node_type] = template
        return template

    # Without these two, a look-up would read every template on the way.
    def __contains__(self, node_type: object) -> bool:
        return node_type in self._read or node_type in self._stored

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"NodeCatalog({len(self)} node types, version={self.version!r})"


@lru_cache(maxsize=1)
def _bundled() -> NodeCatalog:
    folder = resources.files("invokeai_py_client.nodes")
    packed = folder.joinpath("data").joinpath(SNAPSHOT).read_bytes()
    return NodeCatalog.from_json(gzip.decompress(packed).decode())
