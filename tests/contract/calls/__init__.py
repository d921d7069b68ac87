"""What a sample call is. The samples themselves are in the modules beside this."""

from __future__ import annotations

import importlib
import inspect
import itertools
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any, Optional

from contract.api_schema import PNG, ApiSchema
from contract.recording import AsyncRecorder, BlockingRecorder, Recorder


class Local(Enum):
    """Something on this machine, made before the call."""

    PICTURE = "picture.png"
    FOLDER = "folder"
    NEW_FOLDER = "sweep-"
    TEXT = "text.json"


@dataclass(frozen=True)
class Call:
    """One call of a public method, as both clients have it.

    Attributes:
        method: ``"board_repo.get_board"`` of a client, or with the class for
            objects that calls give, such as ``"BoardHandle.rename"``.
        on: Makes such an object from a client.
        replies: Answers by operation, where the smallest one will not do.
        events: What comes over the event socket.
        first: Take only that many values of a stream that does not end.
        outside: Operations that the document does not know, used on purpose.
        raises: The error that this call ends with.
        errors: Where that error is put.
    """

    method: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    on: Optional[Callable[[Any], Any]] = None
    replies: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[tuple[str, Mapping[str, Any]]] = ()
    first: Optional[int] = None
    outside: frozenset[str] = frozenset()
    raises: Optional[type[Exception]] = None
    errors: Optional[list[Exception]] = None

    def answered(self, replies: Mapping[str, Any]) -> Call:
        """The same call with these answers."""
        return replace(self, replies={**self.replies, **replies})

    def but(self, **changes: Any) -> Call:
        """The same call, with other attributes changed."""
        return replace(self, **changes)

    def target(self, client: Any) -> Callable[..., Any]:
        """The bound method of `client`, or of the object that it makes."""
        owner, name = self.method.rsplit(".", 1) if "." in self.method else ("", "")
        if self.on is not None:
            return getattr(self.on(client), name)
        if not owner:
            return getattr(client, self.method)
        return getattr(getattr(client, owner), name)


def call(method: str, *args: Any, **kwargs: Any) -> Call:
    """A call of `method` with these arguments."""
    return Call(method, args, kwargs)


def all_calls() -> list[Call]:
    """The sample calls of every module of this folder."""
    found: list[Call] = []
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        found += importlib.import_module(f"{__name__}.{path.stem}").CALLS
    return found


def made(value: Any, folder: Path) -> Any:
    """`value`, or the local thing that it stands for."""
    if not isinstance(value, Local):
        return value
    if value is Local.NEW_FOLDER:
        return Path(tempfile.mkdtemp(prefix=value.value, dir=folder))
    path = folder / value.value
    if value is Local.FOLDER:
        path.mkdir(exist_ok=True)
    else:
        path.write_bytes(PNG if value is Local.PICTURE else b"{}")
    return path


def clients(
    asynchronous: bool, document: ApiSchema, call: Call
) -> tuple[Any, Recorder]:
    """Either client, which runs on a recorder."""
    from invokeai_py_client._aio.client import AsyncInvokeAIClient
    from invokeai_py_client.client import InvokeAIClient

    kind = AsyncInvokeAIClient if asynchronous else InvokeAIClient
    make = AsyncRecorder if asynchronous else BlockingRecorder
    recorder = make(document, call.replies, call.events)

    class Recorded(kind):  # type: ignore[misc, valid-type]
        def _open(self) -> Any:
            return recorder

    return Recorded("http://host"), recorder


def perform(call: Call, document: ApiSchema, folder: Path) -> Recorder:
    """Make `call` with the blocking client; what it sent."""
    client, recorder = clients(False, document, call)
    args = [made(value, folder) for value in call.args]
    kwargs = {key: made(value, folder) for key, value in call.kwargs.items()}
    try:
        outcome = call.target(client)(*args, **kwargs)
        if inspect.isgenerator(outcome):
            list(itertools.islice(outcome, call.first))
            outcome.close()
    except Exception as error:
        if call.raises is None or not isinstance(error, call.raises):
            raise
        if call.errors is not None:
            call.errors.append(error)
    return recorder


async def perform_async(call: Call, document: ApiSchema, folder: Path) -> Recorder:
    """Make `call` with the asyncio client; what it sent."""
    client, recorder = clients(True, document, call)
    args = [made(value, folder) for value in call.args]
    kwargs = {key: made(value, folder) for key, value in call.kwargs.items()}
    try:
        outcome = call.target(client)(*args, **kwargs)
        if inspect.isasyncgen(outcome):
            count = 0
            async for _ in outcome:
                count += 1
                if count == call.first:
                    break
            await outcome.aclose()
        elif inspect.isawaitable(outcome):
            await outcome
    except Exception as error:
        if call.raises is None or not isinstance(error, call.raises):
            raise
        if call.errors is not None:
            call.errors.append(error)
    return recorder
