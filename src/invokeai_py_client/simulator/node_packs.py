"""Custom node packs: folders of Python files, read but never run.

What nodes a pack has is told by its `@invocation("type", …)` decorators. They are
listed and cannot be used: their code needs InvokeAI itself.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional
from urllib.parse import unquote, urlsplit

from pydantic import TypeAdapter, ValidationError

from .graph import Workflow
from .workflows import WorkflowNotFoundError

if TYPE_CHECKING:
    from .simulation import Simulation

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MANIFEST = ".invokeai_pack_manifest.json"
_WORKFLOW = TypeAdapter(Workflow)


class NodePacks:
    """The node packs of one server; those in its folder are loaded at the start."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._node_types: dict[str, list[str]] = {}
        if simulation.settings.root is not None:
            self.reload()

    @property
    def folder(self) -> Path:
        """Where packs are put."""
        return self._simulation.folder / "nodes"

    def _folders(self) -> Iterator[Path]:
        self.folder.mkdir(parents=True, exist_ok=True)
        for folder in sorted(self.folder.iterdir()):
            hidden = folder.name.startswith(("_", "."))
            if not hidden and (folder / "__init__.py").exists():
                yield folder

    def reload(self) -> None:
        """Look for packs that were put there."""
        for folder in self._folders():
            self._node_types[folder.name] = _node_types(folder)

    def in_folder(self) -> list[dict[str, Any]]:
        """Every pack in the folder; one that is not loaded has no nodes yet."""
        return [
            {
                "name": folder.name,
                "path": str(folder),
                "node_count": len(self._node_types.get(folder.name, ())),
                "node_types": self._node_types.get(folder.name, []),
            }
            for folder in self._folders()
        ]

    def install(self, source: str, user_id: str) -> dict[str, Any]:
        """Copy a pack from a repository on this machine, with its workflows."""
        source = source.strip()
        name = source.rstrip("/").split("/")[-1]
        name = name[:-4] if name.endswith(".git") else name
        if not _NAME.fullmatch(name):
            return _installed("", "Invalid node pack name.")
        target = self.folder / name
        if target.exists():
            return _installed(
                name,
                f"Node pack '{name}' already exists. Uninstall it first to reinstall.",
            )
        repository = _repository(source)
        if repository is None:
            problem = f"unable to access '{source}': the simulator reaches no network"
            if source.startswith("/"):
                problem = f"repository '{source}' does not exist"
            return _installed(name, f"Git clone failed: fatal: {problem}")
        shutil.copytree(repository, target, ignore=shutil.ignore_patterns(".git"))
        if not (target / "__init__.py").exists():
            shutil.rmtree(target)
            return _installed(
                name, f"Node pack '{name}' does not contain an __init__.py file."
            )
        self._node_types[name] = _node_types(target)
        workflow_ids = self._import_workflows(target, user_id)
        manifest = json.dumps({"workflow_ids": workflow_ids})
        (target / _MANIFEST).write_text(manifest, encoding="utf-8")
        return _success(name, target, len(workflow_ids))

    def _import_workflows(self, folder: Path, user_id: str) -> list[str]:
        imported = []
        for file in sorted(folder.rglob("*.json")):
            workflow = _workflow(file, folder.name)
            if workflow is not None:
                record = self._simulation.workflows.create(
                    workflow, user_id, public=True, announced=False
                )
                imported.append(str(record["workflow_id"]))
        return imported

    def uninstall(self, name: str) -> dict[str, Any]:
        """Remove a pack's folder and the workflows that came with it."""
        if not _NAME.fullmatch(name):
            return _removed(name, "Invalid node pack name.", success=False)
        target = self.folder / name
        if not target.exists():
            return _removed(name, f"Node pack '{name}' not found.", success=False)
        workflow_ids = _manifest(target)
        shutil.rmtree(target)
        self._node_types.pop(name, None)
        count = 0
        for workflow_id in workflow_ids:
            try:
                self._simulation.workflows.delete(workflow_id, announced=False)
            except WorkflowNotFoundError:
                continue
            count += 1
        more = f" Removed {count} workflow(s)." if count else ""
        message = f"Successfully uninstalled node pack '{name}'.{more}"
        return _removed(name, message, success=True)


def _repository(source: str) -> Optional[Path]:
    path = unquote(urlsplit(source).path) if source.startswith("file:") else source
    folder = Path(path)
    return folder if folder.is_absolute() and (folder / ".git").exists() else None


def _node_types(folder: Path) -> list[str]:
    found: set[str] = set()
    for file in folder.rglob("*.py"):
        try:
            tree = ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue
        for part in ast.walk(tree):
            if isinstance(part, ast.ClassDef):
                found.update(_declared(part))
    return sorted(found)


def _declared(node_class: ast.ClassDef) -> Iterator[str]:
    for decorator in node_class.decorator_list:
        if not isinstance(decorator, ast.Call):
            continue
        called = decorator.func
        name = getattr(called, "id", None) or getattr(called, "attr", None)
        named = [k.value for k in decorator.keywords if k.arg == "invocation_type"]
        for value in [*decorator.args[:1], *named]:
            text = value.value if isinstance(value, ast.Constant) else None
            if name == "invocation" and isinstance(text, str):
                yield text


def _workflow(file: Path, pack: str) -> Optional[dict[str, Any]]:
    """The workflow in a file, as it is saved for a pack; None if it is none."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or not {"nodes", "edges"} <= data.keys():
            return None
        data.pop("id", None)
        data["meta"] = {"version": "3.0.0", **data.get("meta", {}), "category": "user"}
        tag, tags = f"node-pack:{pack}", data.get("tags", "")
        if tag not in tags:
            data["tags"] = f"{tags}, {tag}".strip(", ")
        return _WORKFLOW.validate_python(data).model_dump(mode="json")
    except (OSError, TypeError, ValueError, ValidationError):
        return None


def _manifest(folder: Path) -> list[str]:
    try:
        text = (folder / _MANIFEST).read_text(encoding="utf-8")
        return [str(key) for key in json.loads(text)["workflow_ids"]]
    except (OSError, KeyError, TypeError, ValueError):
        return []


def _installed(name: str, message: str) -> dict[str, Any]:
    return {
        "name": name,
        "success": False,
        "message": message,
        "workflows_imported": 0,
        "requires_dependencies": False,
        "dependency_file": None,
    }


def _success(name: str, folder: Path, workflows: int) -> dict[str, Any]:
    manifests = ("requirements.txt", "pyproject.toml")
    needed = next((file for file in manifests if (folder / file).exists()), None)
    message = f"Successfully installed node pack '{name}'."
    if workflows:
        message += f" Imported {workflows} workflow(s)."
    if needed:
        message += f" This pack includes a {needed}: install what it asks for yourself."
    return {
        "name": name,
        "success": True,
        "message": message,
        "workflows_imported": workflows,
        "requires_dependencies": needed is not None,
        "dependency_file": needed,
    }


def _removed(name: str, message: str, *, success: bool) -> dict[str, Any]:
    return {"name": name, "success": success, "message": message}
