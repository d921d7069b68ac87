"""Goldens: workflow files, and what the GUI itself makes of them.

The repository holds the made-up cases; those made from other people's workflows are
read from the shared folder when it is there, and the server's default workflows from
an installed server.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional

from paths import DATA

from invokeai_py_client.workflow.compiling.compile_workflow import (
    CompiledWorkflow,
    CompileOptions,
    compile_workflow,
)
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.editor.server_facts import (
    BoardImagesQuery,
    ServerFacts,
)

OWN = DATA / "goldens"
ABSENT = "<absent>"
GRAPH_ID = "<random-uuid>"
# What stood in for the server when the goldens were made.
BOARD_IMAGES = ["b1-img-1.png", "b1-img-2.png", "b1-img-3.png"]
ASSETS = ("control", "mask", "user", "other")
KINDS = ("images", "videos", "boards", "models")


@dataclass(frozen=True)
class Golden:
    """A workflow file and what the GUI does with it."""

    name: str
    document: Mapping[str, Any]
    expected: Mapping[str, Any]

    @property
    def loads(self) -> bool:
        return bool(self.expected["loaded"])

    @property
    def definition(self) -> WorkflowDefinition:
        return WorkflowDefinition.from_dict(self.document)

    def edits(self, variant: str = "base") -> dict[tuple[str, str], Any]:
        """Values set after the load, by (node, field)."""
        edits = as_edits(self.document.get("_edits", []))
        change = self.expected["variants"].get(variant)
        if variant == "filled" and isinstance(change, dict):
            edits.update(as_edits(change["edits"]))
        return edits

    def variant_names(self) -> list[str]:
        return ["base", *self.expected["variants"]]

    def wanted(self, variant: str) -> dict[str, Any]:
        """Graph and batch data that the GUI sends; `ABSENT` where it throws."""
        wanted = {
            "graph": self.expected["graph"],
            "data": self.expected.get("batch_data", ABSENT),
        }
        change = self.expected["variants"].get(variant)
        if isinstance(change, dict):
            wanted["graph"] = change.get("graph", wanted["graph"])
            wanted["data"] = change.get("batch_data", wanted["data"])
        return wanted

    def conditions(self, variant: str) -> tuple[tuple[str, ...], Optional[str]]:
        """The kinds of things that do not exist, and the auto-add board."""
        if variant == "model_access_false":
            return ("models",), None
        if variant == "image_video_board_access_false":
            return ("images", "videos", "boards"), None
        if variant.startswith("auto_add_board="):
            return (), variant.partition("=")[2]
        return (), None

    def compile(
        self, variant: str, catalog: Mapping[str, Any], *, edited: bool = True
    ) -> CompiledWorkflow:
        """What we make of it."""
        gone, board = self.conditions(variant)
        compiled = compile_workflow(
            self.definition,
            catalog,
            edits=self.edits(variant) if edited else {},
            facts=self.facts(gone),
            options=CompileOptions(auto_add_board=board, random=lambda: 0.5),
        )
        return replace(compiled, graph={**compiled.graph, "id": GRAPH_ID})

    def facts(self, gone: tuple[str, ...] = ()) -> ServerFacts:
        """Ids that contain "missing" do not exist, all others do."""
        named = set(re.findall(r'"([^"]*missing[^"]*)"', json.dumps(self.document)))
        return ServerFacts(
            missing={
                kind: frozenset(named | {"*"} if kind in gone else named)
                for kind in KINDS
            },
            board_images={
                BoardImagesQuery("board-1", ("general",)): BOARD_IMAGES,
                BoardImagesQuery("board-1", ASSETS): BOARD_IMAGES,
                BoardImagesQuery("none", ("general",)): [],
            },
            saved_workflows=saved_workflows(),
        )

    def facts_file(self, gone: tuple[str, ...] = ()) -> dict[str, Any]:
        """The same as `ivk workflow compile --facts` reads it."""
        facts = self.facts(gone)
        return {
            "missing": {kind: sorted(ids) for kind, ids in facts.missing.items()},
            "board_images": [
                {
                    "board_id": query.board_id,
                    "categories": list(query.categories),
                    "image_names": list(names),
                }
                for query, names in facts.board_images.items()
            ],
            "saved_workflows": saved_workflows(),
        }


def as_edits(actions: list[Mapping[str, Any]]) -> dict[tuple[str, str], Any]:
    return {
        (action["nodeId"], action["fieldName"]): action["value"] for action in actions
    }


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def saved_workflows() -> dict[str, Any]:
    return {path.stem: read_json(path) for path in (OWN / "cases/saved").glob("*.json")}


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def default_workflows() -> dict[str, Mapping[str, Any]]:
    """The workflows that an installed server puts into its library, by slug."""
    named = os.environ.get("IVK_DEFAULT_WORKFLOWS")
    home = Path.home() / ".cache/invokeai-py-client/servers/6.14.2"
    folders = (
        [Path(named)]
        if named
        else home.glob(
            "venv/lib/python*/site-packages/invokeai/app/services/"
            "workflow_records/default_workflows"
        )
    )
    found: dict[str, Mapping[str, Any]] = {}
    for folder in folders:
        for path in folder.glob("*.json"):
            document = read_json(path)
            found[f"default--{slug(path.stem)}"] = document
            found[f"default--{slug(document['name'])}"] = document
    return found


def own_goldens() -> list[Golden]:
    """The goldens that the repository holds."""
    return [
        Golden(path.stem, read_json(OWN / "cases" / path.name), read_json(path))
        for path in sorted((OWN / "expected").glob("*.json"))
    ]


def shared_goldens(
    folder: Path, library: Optional[Sequence[Mapping[str, Any]]] = None
) -> Iterator[tuple[str, Optional[Golden]]]:
    """All goldens of the shared folder; None where the workflow file is missing.

    Args:
        folder: The shared folder.
        library: A server's default workflows; None takes those of an installed one.
    """
    defaults = default_workflows() if library is None else {}
    for path in sorted((folder / "goldens/expected").glob("*.json")):
        case = folder / "goldens/cases" / path.name
        expected = read_json(path)
        document = read_json(case) if case.exists() else defaults.get(path.stem)
        if document is None and library is not None:
            document = _by_nodes(expected, library)
        found = Golden(path.stem, document, expected) if document else None
        yield path.stem, found


def _by_nodes(
    expected: Mapping[str, Any], library: Sequence[Mapping[str, Any]]
) -> Optional[Mapping[str, Any]]:
    """The smallest workflow with all these nodes: their ids are random."""
    wanted = set(expected["graph"]["nodes"])
    wanted |= {item["nodeId"] for item in expected["form_inputs"]}
    holding = [
        workflow
        for workflow in library
        if wanted <= {node["id"] for node in workflow["nodes"]}
    ]
    return min(holding, key=lambda workflow: len(workflow["nodes"]), default=None)
