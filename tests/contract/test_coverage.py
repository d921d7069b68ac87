"""Every operation has a method, every method a sample, and the page says so."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
from pathlib import Path

import pytest

import invokeai_py_client
from contract.api_schema import api_schema
from contract.calls import all_calls, perform
from contract.index import MOST_REASONS, REASONS, methods_by_operation, unmapped
from contract.recording import builders
from invokeai_py_client._core.versions import operations_by_version
from invokeai_py_client.client import InvokeAIClient

PACKAGE = Path(invokeai_py_client.__file__).parent
SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
VERBS = ("get", "post", "put", "patch", "delete")

# Nouns whose flows are checked; the others have their own tests of what they send.
EXEMPT = {"workflow"}

# Routes that no released server has, so none documents them (docs/dev/next-version.md).
UNRELEASED = ("find_receipt", "acknowledge_receipt")


def test_every_operation_has_a_method(capsys):
    missing = unmapped()
    with capsys.disabled():
        mapped = len(methods_by_operation())
        total = len(api_schema().operations)
        sys.stdout.write(
            f"\n{mapped} of {total} operations mapped, {len(REASONS)} with a reason\n"
        )
    assert [name for name in missing if name not in REASONS] == []
    assert set(REASONS) <= set(missing), "a reason for an operation that has a method"
    assert len(REASONS) <= MOST_REASONS


def test_versions_are_given_for_operations_that_exist():
    named = [name for names in operations_by_version().values() for name in names]
    assert len(named) == len(set(named))
    assert set(named) <= set(api_schema().operations)


def test_every_place_that_builds_a_request_is_sampled(monkeypatch, tmp_path):
    """So that no request goes unchecked: each call of `get`, `post`, … was made."""
    recorded: set[tuple[str, str, str]] = set()
    builders(recorded, monkeypatch)
    for call in all_calls():
        perform(call, api_schema(), tmp_path)
    missing = [
        f"{path.relative_to(PACKAGE)}: {name} sends {verb.upper()}"
        for path, name, verb in written_builders()
        if (str(path), name, verb.upper()) not in recorded and name not in UNRELEASED
    ]
    assert missing == []


def written_builders():
    """Every function of the nouns that calls `get`, `post`, …, by file."""
    for path in sorted(PACKAGE.rglob("*.py")):
        part = path.relative_to(PACKAGE).parts[0]
        if part in EXEMPT or part.startswith("_") or part in ("cli", "simulator"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and str(node.module).endswith("send")
            for alias in node.names
        }
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    name = getattr(getattr(node, "func", None), "id", None)
                    if name in VERBS and name in imported:
                        yield path, function.name, name


def test_public_methods_of_repositories_are_sampled():
    sampled = {call.method for call in all_calls()}
    assert sorted(public_methods() - sampled) == []


def public_methods():
    """The methods of a client's repositories that run something."""
    client = InvokeAIClient("http://host")
    found = set()
    for name in dir(client):
        repository = getattr(client, name) if name.endswith("_repo") else None
        if repository is None or name.removesuffix("_repo") in EXEMPT:
            continue
        for method, function in inspect.getmembers(type(repository)):
            runs = inspect.isfunction(function) and "self._runner." in (
                inspect.getsource(function)
            )
            if runs and not method.startswith("_"):
                found.add(f"{name}.{method}")
    client.close()
    return found


@pytest.fixture
def reference(monkeypatch):
    path = SCRIPTS / "build_api_reference.py"
    spec = importlib.util.spec_from_file_location("build_api_reference", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec.loader.exec_module(module)
    return module


def test_the_reference_page_is_current(reference):
    text = reference.PAGE.read_text(encoding="utf-8")
    assert text == reference.build(), "run scripts/build_api_reference.py"
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    operations = [line for line in rows if not line.startswith(("| HTTP", "| ---"))]
    assert len(operations) == len(api_schema().operations) == 191
