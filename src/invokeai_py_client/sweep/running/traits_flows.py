"""What a server says of itself that matters for how much it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.retry import may_pass
from invokeai_py_client._core.send import get, request_json
from invokeai_py_client.exceptions import APIError
from invokeai_py_client.sweep.batches.placing_flows import persist

_SETTINGS = "/api/v1/app/runtime_config"
_DEVICES = "/api/v1/app/generation_device_options"


@dataclass(frozen=True)
class ServerTraits:
    """What a server is like; the usual one, as long as it was not asked.

    Attributes:
        devices: How many jobs it runs at a time.
        queue_size: How many jobs its queue takes, of all users.
    """

    devices: int = 1
    queue_size: int = 10_000

    @property
    def batches(self) -> int:
        """How many batches it has at a time: one more than it can work on."""
        return self.devices + 1

    @property
    def batch_jobs(self) -> int:
        """Jobs of one batch at most, so that half of the queue is left to others."""
        return max(self.queue_size // 2 // self.batches, 1)


USUAL = ServerTraits()


def learn_traits() -> Flow[ServerTraits]:
    """Ask a server what it is like; what it does not tell is as usual.

    Where there are several users, only administrators may read the settings: those
    about devices are taken to be the usual ones then, by which every one is used.
    """
    answer = yield from _told(_SETTINGS)
    settings = answer.get("config") if isinstance(answer, Mapping) else None
    if not isinstance(settings, Mapping):
        return ServerTraits((yield from _count_devices()))
    size = settings.get("max_queue_size")
    if not isinstance(size, int):
        size = ServerTraits.queue_size
    chosen = settings.get("generation_devices")
    if isinstance(chosen, list):
        # Without a number it is the first one.
        names = {name if ":" in name else f"{name}:0" for name in map(str, chosen)}
        return ServerTraits(max(len(names), 1), size)
    if chosen == "auto" and settings.get("device") == "auto":
        return ServerTraits((yield from _count_devices()), size)
    return ServerTraits(queue_size=size)


def _count_devices() -> Flow[int]:
    found = yield from _told(_DEVICES)
    return max(len(found), 1) if isinstance(found, list) else 1


def _told(path: str) -> Flow[Any]:
    """The answer; None when the server refuses it or does not know the question."""
    request = get(path)
    try:
        return (yield from persist(lambda: request_json(request)))
    except APIError as error:
        if may_pass(error):
            raise
        return None
