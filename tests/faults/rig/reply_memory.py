"""Run by a test in a process of its own: what one hostile reply costs in memory.

    python reply_memory.py QUIET_URL HOSTILE_URL blocking|asyncio

Prints two numbers: bytes held before the call, and at its peak.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient, InvokeAIError

BOARDS, MODELS = "/api/v1/boards/", "/api/v2/models/"
IMAGES = "/api/v1/images/"


def most_bytes() -> int:
    """The most memory that this process ever held at once."""
    # Not getrusage, whose number begins with what the parent of the process held.
    status = Path("/proc/self/status").read_text()
    found = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def request_of(client: Any, path: str) -> Any:
    """A call that reads records of the kind that this path has, or any data."""
    if path == BOARDS:
        return client.board_repo.list_boards()
    if path == MODELS:
        return client.model_repo.list_models()
    if path == IMAGES:
        return client.image_repo.list_images(limit=10)
    return client.request("GET", path)


async def call_asyncio(url: str, path: str) -> None:
    """Make the call with the asyncio client."""
    async with AsyncInvokeAIClient(url, max_retries=0) as client:
        await request_of(client, path)


def call(url: str, kind: str, path: str) -> str:
    """Make one call; how it ended."""
    try:
        if kind == "blocking":
            with InvokeAIClient(url, max_retries=0) as client:
                request_of(client, path)
        else:
            asyncio.run(call_asyncio(url, path))
    except InvokeAIError as error:
        return type(error).__name__
    return "accepted"


def main() -> None:
    """Warm up on the quiet server, then measure the hostile one."""
    quiet, hostile, kind, path = sys.argv[1:]
    call(quiet, kind, path)
    before = most_bytes()
    outcome = call(hostile, kind, path)
    print(before, most_bytes(), outcome)  # noqa: T201


if __name__ == "__main__":
    main()
