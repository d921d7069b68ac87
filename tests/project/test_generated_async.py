"""The asyncio mirrors: current, complete, and refused where they cannot be made."""

from __future__ import annotations

import importlib.util
import inspect
import sys

import pytest
from paths import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "generate_async.py"


@pytest.fixture
def generator(monkeypatch):
    spec = importlib.util.spec_from_file_location("generate_async", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "generate_async", module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def package(generator, tmp_path, monkeypatch):
    """An empty package to generate in."""
    folder = tmp_path / "invokeai_py_client"
    folder.mkdir()
    monkeypatch.setattr(generator, "PACKAGE", folder)
    return folder


def test_the_committed_mirrors_are_current(generator, capsys):
    assert generator.main(["--check"]) == 0, capsys.readouterr()


SOURCE = '''"""`Thing`: does things."""

from __future__ import annotations

from collections.abc import Iterator

from invokeai_py_client._io.runner import Runner

__all__ = ["Thing"]


class Thing:
    """Does things.

    ```python
    with InvokeAIClient() as client:
        found = client.find()
    ```
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def __enter__(self) -> Thing:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._runner.close()

    # Why this is so: ü.
    def find(self) -> int:
        """Find, as `Thing` does."""
        return self._runner.run(find())

    def find_twice(self) -> int:
        return self._runner.run(find()) + self.find()

    def all(self) -> Iterator[int]:
        return self._runner.stream(find_all())

    def pure(self) -> Thing:
        return Thing(self._runner)

    find_sync = find  # blocking only

    @property
    def shown(self) -> int:  # blocking only
        return self._runner.run(find())
'''


def test_what_a_mirror_looks_like(generator, package):
    (package / "thing.py").write_text(SOURCE, encoding="utf-8")
    assert generator.main([]) == 0
    text = (package / "_aio" / "thing.py").read_text(encoding="utf-8")
    for line in (
        "# Generated from thing.py by scripts/generate_async.py; do not edit.",
        '"""`AsyncThing`: does things."""',
        "from collections.abc import AsyncIterator",
        "from invokeai_py_client._io.runner import AsyncRunner",
        '__all__ = ["AsyncThing"]',
        "    async with AsyncInvokeAIClient() as client:",
        "        found = await client.find()",
        "    def __init__(self, runner: AsyncRunner) -> None:",
        "    async def __aenter__(self) -> AsyncThing:",
        "    async def __aexit__(self, *error: object) -> None:",
        "        await self.close()",
        "        await self._runner.close()",
        "    # Why this is so: ü.",
        '        """Find, as `AsyncThing` does."""',
        "        return await self._runner.run(find())",
        "        return (await self._runner.run(find())) + (await self.find())",
        "    def all(self) -> AsyncIterator[int]:",
        "        return self._runner.stream(find_all())",
        "    def pure(self) -> AsyncThing:",
    ):
        assert line in text.splitlines()
    assert "find_sync" not in text
    assert "shown" not in text
    compile(text, "thing.py", "exec")
    assert generator.main(["--check"]) == 0


def test_stale_and_orphaned_mirrors_fail_the_check(generator, package, capsys):
    source = package / "thing.py"
    source.write_text(SOURCE, encoding="utf-8")
    assert generator.main(["--check"]) == 1
    assert generator.main([]) == 0
    source.write_text(SOURCE.replace("find_twice", "find_again"), encoding="utf-8")
    assert generator.main(["--check"]) == 1
    source.unlink()
    assert generator.main(["--check"]) == 1
    assert generator.main([]) == 0
    assert not (package / "_aio" / "thing.py").exists()
    assert "_aio/thing.py" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("method", "problem"),
    [
        (
            "    @property\n    def a(self) -> int:\n"
            "        return self._runner.run(b())\n",
            "a property cannot wait",
        ),
        (
            "    def a(self) -> int:\n        return [lambda: self._runner.run(b())]\n",
            "a nested function cannot wait",
        ),
        (
            "    def __len__(self) -> int:\n        return self._runner.run(b())\n",
            "__len__ cannot wait",
        ),
        (
            "    def a(self) -> list[int]:\n        return self._runner.stream(b())\n",
            "annotated as an Iterator",
        ),
    ],
)
def test_what_cannot_be_mirrored_is_an_error(
    generator, package, capsys, method, problem
):
    (package / "thing.py").write_text(f"class Thing:\n{method}", encoding="utf-8")
    assert generator.main([]) == 1
    errors = capsys.readouterr().err
    assert "thing.py:" in errors
    assert problem in errors


def public(kind):
    return {
        name: value
        for name, value in inspect.getmembers(kind)
        if not name.startswith("_") and callable(value)
    }


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("client", "InvokeAIClient"),
        ("board.board_repo", "BoardRepository"),
        ("image.image_repo", "ImageRepository"),
        ("queue.queue_repo", "QueueRepository"),
        ("model.model_repo", "ModelRepository"),
    ],
)
def test_both_sides_have_the_same_methods_and_parameters(module, name):
    folder, _, stem = f"invokeai_py_client.{module}".rpartition(".")
    blocking = getattr(importlib.import_module(f"{folder}.{stem}"), name)
    mirrors = importlib.import_module(f"invokeai_py_client._aio.{stem}")
    mirrored = getattr(mirrors, f"Async{name}")
    theirs = public(mirrored)
    for method, value in public(blocking).items():
        ours = list(inspect.signature(value).parameters)
        assert ours == list(inspect.signature(theirs[method]).parameters), method
