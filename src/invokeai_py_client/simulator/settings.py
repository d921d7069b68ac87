"""How a simulated server behaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Optional


@dataclass
class Settings:
    """How a simulated server behaves.

    Attributes:
        root: A folder for everything that must survive a restart; None keeps all in
            memory.
        multiuser: Demand a login, as the real server with `multiuser: true`.
        strict_passwords: Refuse weak passwords, as the real server with
            `strict_password_checking: true`.
        poison: What becomes of a batch value that its field cannot take: `refuse` it
            with a 422 (the real server accepts it, and its queue is blocked), or
            `imitate` the real server, blocked queue included.
        models: Model records to offer; None for a small default set.
        max_queue_size: Pending items above which enqueueing is cut short.
        job_delay: Seconds every job takes at least.
        node_delays: Seconds a node of a type takes at least.
        step_delay: Seconds of one denoising step.
        cache_size: How many node outputs are remembered.
    """

    root: Optional[Path] = None
    multiuser: bool = False
    strict_passwords: bool = False
    poison: Literal["refuse", "imitate"] = "refuse"
    models: Optional[Sequence[Mapping[str, Any]]] = None
    max_queue_size: int = 10_000
    job_delay: float = 0.0
    node_delays: dict[str, float] = field(default_factory=dict)
    step_delay: float = 0.0
    cache_size: int = 512
