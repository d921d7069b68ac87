"""How a simulated server behaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Optional

from invokeai_py_client._exports import set_module

Rules = Literal["6", "7"]
"""The major version by whose rules batches are taken."""


@set_module("invokeai_py_client.simulator")
@dataclass
class Settings:
    """How a simulated server behaves; see the arguments of `SimulatedServer`."""

    root: Optional[Path] = None
    multiuser: bool = False
    strict_passwords: bool = False
    poison: Literal["refuse", "imitate"] = "refuse"
    models: Optional[Sequence[Mapping[str, Any]]] = None
    max_queue_size: int = 10_000
    job_delay: float = 0.0
    node_delays: dict[str, float] = field(default_factory=dict)
    step_delay: float = 0.0
    devices: int = 1
    max_pixels: Optional[int] = None
    rules: Rules = "6"
