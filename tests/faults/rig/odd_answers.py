"""Sample calls of every public method, answered with JSON that nobody promised."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from contract.api_schema import ApiSchema
from contract.calls import Call, clients, made
from contract.recording import Recorder

# Far more requests than any sample needs.
MOST_REQUESTS = 400
LONGEST_WAIT = 3600.0

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**63, 1.5, float("nan"), "", "x", "\ud800", "../../x"),
    *([], {}, [None], [[]], [{}], {"": None}, {"item_id": "x"}, [1, "a", None]),
    "n" * 100_000,
)


class EndlessError(Exception):
    """The call goes on asking; waiting for odd statuses has no end."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something could be replaced."""
    yield path
    inner = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        inner = enumerate(value)
    for key, item in inner:
        yield from places(item, (*path, key))


def spoilt(value: Any, rng: random.Random) -> Any:
    """`value` with one to three of its parts replaced or left out."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice((1, 1, 2, 3))):
        path = rng.choice(list(places(value)))
        odd = copy.deepcopy(rng.choice(ODD_VALUES))
        if not path:
            return odd
        parent = value
        for key in path[:-1]:
            parent = parent[key]
        if isinstance(parent, dict) and rng.random() < 0.2:
            del parent[path[-1]]
        else:
            parent[path[-1]] = odd
    return value


def spoil(recorder: Recorder, rng: random.Random, chance: float) -> None:
    """Let some of the recorder's answers be odd."""
    answer, next_event = recorder.reply, recorder.next_event

    def listen(message: Any) -> Any:
        if recorder.time > LONGEST_WAIT:
            raise EndlessError
        return next_event(message)

    def reply(request: Any) -> Any:
        if len(recorder.requests) >= MOST_REQUESTS:
            raise EndlessError
        good = answer(request)
        kind = good.headers.get("content-type")
        if kind != "application/json" or rng.random() >= chance:
            return good
        body = json.dumps(spoilt(json.loads(good.content), rng))
        return replace(good, content=body.encode("utf-8", "surrogatepass"))

    recorder.reply, recorder.next_event = reply, listen


def perform(call: Call, document: ApiSchema, folder: Path, seed: int) -> Any:
    """Make the call with odd answers; what it gave."""
    rng = random.Random(f"{call.method} {seed}")
    client, recorder = clients(False, document, call)
    args = [made(value, folder) for value in call.args]
    kwargs = {key: made(value, folder) for key, value in call.kwargs.items()}
    target = call.target(client)
    spoil(recorder, rng, rng.choice((0.3, 1.0)))
    outcome = target(*args, **kwargs)
    if hasattr(outcome, "send"):
        found = []
        for value in outcome:
            found.append(value)
            if len(found) >= (call.first or MOST_REQUESTS):
                break
        outcome.close()
        return found
    return outcome
