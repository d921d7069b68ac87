"""What hostile replies cost in memory, measured in processes of their own.

docs/security.md has the factors: the most that was held, less what was held before, by
the 64 MiB that a reply may have once it is decompressed.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from scripted_server import Answer, ScriptedServer

PROC = Path("/proc/self/status")
RIG = Path(__file__).parent / "rig" / "reply_memory.py"
MEGABYTE = 2**20
# What a reply of JSON may have, a little less.
MOST = 64 * MEGABYTE - 1000
# docs/security.md has what was measured, 21 at most; the rest is for other Pythons.
MOST_TIMES = 26
BOARDS, MODELS = "/api/v1/boards/", "/api/v2/models/"
IMAGES, ANY = "/api/v1/images/", "/api/v1/anything"
WIDE = "\U0001f98a"


def filled(item: str, count: int) -> bytes:
    """A list of `count` items of this text, each padded so that all fill a reply."""
    room = MOST // count - len(item.encode()) - 1
    return f"[{','.join([item.replace('@', 'x' * max(room, 0))] * count)}]".encode()


def keyed(count: int) -> bytes:
    """Objects whose only key is another one each, in characters of four bytes."""
    room = "x" * ((MOST // count - 30) // 2)
    objects = (f'{{"{WIDE}{n}{room}":"{WIDE}{room}"}}' for n in range(count))
    return f"[{','.join(objects)}]".encode()[:MOST]


def records(name: str, item: str, count: int) -> bytes:
    """An object that holds such a list."""
    return f'{{"{name}":{filled(item, count).decode()}}}'.encode()


def escapes() -> bytes:
    """One string of letters that are escaped."""
    return b'["' + b"\\u0041" * (MOST // 6 - 1) + b'"]'


BOARD = '{"board_id":"b","board_name":"@"}'
REPLIES = {
    "a million empty objects for boards": (BOARDS, lambda: filled("{}", 999_000)),
    "boards that fit": (BOARDS, lambda: filled(BOARD, 660_000)),
    "boards that fit, in wide characters": (
        BOARDS,
        lambda: filled(BOARD.replace("@", f"{WIDE}@"), 660_000),
    ),
    "boards with keys of their own": (
        BOARDS,
        lambda: filled('{"board_id":"b","board_name":"@","a":{"b":[]}}', 280_000),
    ),
    "models that fit": (MODELS, lambda: records("models", '{"key":"k"}', 990_000)),
    "images that fit": (
        IMAGES,
        lambda: records("items", '{"image_name":"@"}', 990_000),
    ),
    "small objects": (ANY, lambda: filled('{"a":1}', 999_000)),
    "small objects in wide characters": (ANY, lambda: keyed(999_000)),
    "nested lists": (ANY, lambda: filled("[" * 900 + "]" * 900, 2_000)),
    "small lists": (ANY, lambda: filled("[1.5]", 999_000)),
    "one string": (ANY, lambda: filled('"@"', 1)),
    "one string with a wide character": (ANY, lambda: filled(f'"{WIDE}@"', 1)),
    "one string of escapes": (ANY, escapes),
    "large numbers": (ANY, lambda: filled("1" * 4000, 16_000)),
}


def measure(kind: str, path: str, body: bytes) -> tuple[float, str]:
    """How many times the most of a reply the peak has, and how the call ended."""
    packed = gzip.compress(body, 1)
    headers = {"Content-Encoding": "gzip"}
    with (
        ScriptedServer(lambda _: Answer(b"[]")) as quiet,
        ScriptedServer(lambda _: Answer(packed, headers=headers)) as hostile,
    ):
        done = subprocess.run(
            [sys.executable, RIG, quiet.url, hostile.url, kind, path],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    before, most, outcome = done.stdout.split()
    return (int(most) - int(before)) / MOST, outcome


@pytest.mark.skipif(not PROC.exists(), reason="needs Linux's /proc")
@pytest.mark.long
@pytest.mark.parametrize("name", REPLIES)
def test_a_hostile_reply_costs_so_much_memory_at_most(name: str) -> None:
    path, make = REPLIES[name]
    body = make()
    assert len(body) <= MOST
    factor, outcome = measure("blocking", path, body)
    assert factor < MOST_TIMES
    assert outcome in ("accepted", "APIResponseError")


@pytest.mark.skipif(not PROC.exists(), reason="needs Linux's /proc")
def test_a_reply_of_few_bytes_costs_little_where_it_does_not_fit() -> None:
    path, make = REPLIES["a million empty objects for boards"]
    for kind in ("blocking", "asyncio"):
        factor, outcome = measure(kind, path, make())
        assert outcome == "APIResponseError"
        assert factor < 3


if __name__ == "__main__":
    for name, (path, make) in REPLIES.items():
        body = make()
        factors = [measure(kind, path, body) for kind in ("blocking", "asyncio")]
        wire = len(gzip.compress(body, 1))
        shown = ", ".join(f"{factor:.1f} {outcome}" for factor, outcome in factors)
        print(f"{name}: {len(body)} bytes ({wire} sent): {shown}", flush=True)  # noqa: T201
