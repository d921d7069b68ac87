"""Run a graph on a server and keep what can be compared with another server."""

from __future__ import annotations

import io
import json
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any, Optional

import numpy as np
from PIL import Image

Pixels = tuple[str, tuple[int, int], Any]


@dataclass
class Run:
    """What became of a graph.

    Attributes:
        status_code: Of `enqueue_batch`.
        problems: The messages of a 422.
        status: Of the job.
        error: Type and message of a failure, with types in place of node ids.
        results: Output by (source node, iteration path); images are their pixels.
        history: Source nodes in the order in which they ended.
    """

    status_code: int
    problems: list[str] = field(default_factory=list)
    status: str = ""
    error: Optional[tuple[str, str]] = None
    results: dict[tuple[str, tuple[int, ...]], Any] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)


class Server:
    """A server by its address, spoken to with the standard library alone."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and decoded JSON, or the text when it is not JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                status, content = reply.status, reply.read()
        except urllib.error.HTTPError as error:
            with error:
                status, content = error.code, error.read()
        try:
            return status, json.loads(content)
        except ValueError:
            return status, content.decode("utf-8", "replace")

    def pixels(self, name: str) -> Pixels:
        """Mode, size and pixels of an image."""
        with urllib.request.urlopen(
            f"{self.url}/api/v1/images/i/{name}/full", timeout=60
        ) as reply:
            image = Image.open(io.BytesIO(reply.read()))
            return image.mode, image.size, np.array(image)

    def enqueue(self, graph: dict[str, Any], **batch: Any) -> tuple[int, Any]:
        """Enqueue one batch."""
        return self.ask(
            "POST",
            "/api/v1/queue/default/enqueue_batch",
            {"batch": {"graph": graph, **batch}},
        )

    def finished(self, item_id: int, timeout: float = 60) -> dict[str, Any]:
        """The item once it has ended."""
        deadline = time.monotonic() + timeout
        while True:
            status, item = self.ask("GET", f"/api/v1/queue/default/i/{item_id}")
            assert status == 200, item
            if item["status"] in ("completed", "failed", "canceled"):
                return item
            assert time.monotonic() < deadline, f"item {item_id} is {item['status']}"
            time.sleep(0.02)

    def run(self, graph: dict[str, Any]) -> Run:
        """Run a graph and wait for its end."""
        status, reply = self.enqueue(graph)
        if status != 200:
            problems = reply["detail"]
            if isinstance(problems, list):
                problems = [f"{p['loc']}: {p['msg']}" for p in problems]
            return Run(status, [str(p)[:400] for p in problems])
        item = self.finished(reply["item_ids"][0])
        return self._read(item)

    def _read(self, item: dict[str, Any]) -> Run:
        session = item["session"]
        sources = session["prepared_source_mapping"]
        paths = session["prepared_iteration_paths"]
        run = Run(200, status=item["status"], history=session["executed_history"])
        if item["status"] == "failed":
            message = item["error_message"]
            for prepared, source in sources.items():
                # Nodes of one type are interchangeable in a message.
                kind = session["graph"]["nodes"][source]["type"]
                message = re.sub(rf"\b({prepared}|{source})\b", kind, message)
            run.error = (item["error_type"], message)
        for prepared, result in session["results"].items():
            key = (sources[prepared], tuple(paths.get(prepared, ())))
            run.results[key] = self._comparable(result)
        return run

    def _comparable(self, value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {"image_name"}:
                return self.pixels(value["image_name"])
            return {key: self._comparable(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._comparable(part) for part in value]
        return value


def difference(
    ours: Any, theirs: Any, tolerance: int = 1, at: str = ""
) -> Optional[str]:
    """The first place where two comparable values differ; None when they agree.

    Args:
        ours: One value.
        theirs: The other.
        tolerance: How far apart two pixel values may be.
        at: Where the values come from.
    """
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if ours.keys() != theirs.keys():
            return f"{at}: {sorted(map(str, ours))} != {sorted(map(str, theirs))}"
        pairs = [(f"{at}.{key}", ours[key], theirs[key]) for key in ours]
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return f"{at}: {len(ours)} != {len(theirs)} items"
        pairs = [(f"{at}[{i}]", a, b) for i, (a, b) in enumerate(zip(ours, theirs))]
    elif isinstance(ours, tuple) and isinstance(theirs, tuple) and len(ours) == 3:
        return _image_difference(ours, theirs, tolerance, at)
    elif isinstance(ours, float) and isinstance(theirs, (int, float)):
        return (
            None
            if abs(ours - theirs) <= 1e-9 * max(1, abs(ours))
            else f"{at}: {ours} != {theirs}"
        )
    else:
        return None if ours == theirs else f"{at}: {ours!r} != {theirs!r}"
    for place, a, b in pairs:
        found = difference(a, b, tolerance, place)
        if found:
            return found
    return None


def _image_difference(
    ours: Pixels, theirs: Pixels, tolerance: int, at: str
) -> Optional[str]:
    if ours[:2] != theirs[:2]:
        return f"{at}: {ours[:2]} != {theirs[:2]}"
    apart = np.abs(ours[2].astype(np.int64) - theirs[2].astype(np.int64))
    if apart.size and apart.max() > tolerance:
        count = int((apart > tolerance).sum())
        return f"{at}: {count} pixels differ, by up to {apart.max()}"
    return None
