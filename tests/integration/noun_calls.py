"""One test for both clients: calls that are awaited where they need to be."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from typing import Any

from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client._core.send import post, request_json
from invokeai_py_client.client import InvokeAIClient


async def either_client(kind: str, url: str) -> AsyncIterator[Any]:
    """The ``"blocking"`` or the ``"asyncio"`` client of a server, for a fixture."""
    if kind == "blocking":
        with InvokeAIClient.from_url(url) as blocking:
            yield blocking
    else:
        async with AsyncInvokeAIClient.from_url(url) as asynchronous:
            yield asynchronous


async def done(outcome: Any) -> Any:
    """The outcome of a call to either client."""
    return await outcome if inspect.isawaitable(outcome) else outcome


async def collected(items: Any) -> list:
    """Everything that an iterator of either client yields."""
    if hasattr(items, "__aiter__"):
        return [item async for item in items]
    return list(items)


async def enqueue(
    client: Any, *, runs=1, width=64, prepend=False, graph=None, **batch
) -> dict:
    """Put plain `blank_image` jobs, or a graph, into the queue; the server's answer.

    `width` as a list of values makes one job of each.
    """
    node = {
        "id": "blank",
        "type": "blank_image",
        "width": 64,
        "height": 64,
        "use_cache": False,
    }
    graph = graph or {"id": "graph", "nodes": {"blank": node}, "edges": []}
    if isinstance(width, list):
        datum = {"node_path": "blank", "field_name": "width", "items": width}
        batch["data"] = [[datum]]
    body = {"batch": {"graph": graph, "runs": runs, **batch}, "prepend": prepend}
    request = post("/api/v1/queue/default/enqueue_batch", json=body)
    return await done(client._runner.run(request_json(request)))
