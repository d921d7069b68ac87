"""The Python blocks of the user's pages, to be executed as a reader would.

The blocks of a page run in order, in one namespace, in a folder that holds the files
they name. A block after the comment ``<!-- live -->`` needs a server. What a block
prints is compared with its ``#>`` lines, when it has any.
"""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invokeai_py_client import InvokeAIClient

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
BLOCK = re.compile(
    r"^(<!-- live -->\n)?```python\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
ADDRESS = "http://localhost:9090"
MODEL = "Dreamshaper 8"


def run_page(page: Path, replace: dict[str, str], *, live: bool) -> int:
    """Run the blocks of a page that can run: all, or those that need no server.

    Each is compared with what the page says it prints; returns how many there were.
    The current folder must hold what `lay_out` makes.
    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    blocks = [block for block in blocks_of(page) if live or not block.is_live]
    try:
        for block in blocks:
            block.run(namespace, replace)
        return len(blocks)
    finally:
        for value in namespace.values():
            if isinstance(value, InvokeAIClient):
                value.close()


@dataclass(frozen=True)
class Block:
    """A block of a page, its first line's number, and whether it needs a server."""

    page: Path
    line: int
    code: str
    is_live: bool

    def run(self, namespace: dict[str, Any], replace: dict[str, str]) -> None:
        """Execute it; a failure points to its line of the page."""
        code = self.code
        for word, other in replace.items():
            code = code.replace(word, other)
        compiled = compile("\n" * self.line + code, str(self.page), "exec")
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compiled, namespace)
        got = printed.getvalue().splitlines()
        # A line that is empty ends without a space.
        expected = [line[3:] for line in code.splitlines() if line.startswith("#>")]
        if expected and got != expected:
            where = f"{self.page.name}:{self.line + 1}"
            raise AssertionError(f"{where} prints {got}, the page says {expected}")


def blocks_of(page: Path) -> list[Block]:
    """Every Python block of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, match.start(2)),
            match.group(2),
            match.group(1) is not None,
        )
        for match in BLOCK.finditer(text)
    ]


def lay_out(folder: Path) -> None:
    """The files that the pages name: small workflows and a photo."""
    from PIL import Image

    for source in (REPOSITORY / "examples" / "workflows").glob("*.json"):
        (folder / source.name).write_text(source.read_text("utf-8"), "utf-8")
    Image.new("RGB", (320, 200), "teal").save(folder / "photo.jpg")


def make_small(folder: Path) -> None:
    """Let the workflows of a folder make small images in few steps."""
    for path in folder.glob("*.json"):
        document = json.loads(path.read_text("utf-8"))
        for node in document["nodes"]:
            inputs = node["data"]["inputs"]
            for name, value in (("width", 64), ("height", 64), ("steps", 2)):
                if "value" in inputs.get(name, {}):
                    inputs[name]["value"] = value
        path.write_text(json.dumps(document), "utf-8")
