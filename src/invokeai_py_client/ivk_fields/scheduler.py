"""Schedulers, by InvokeAI's names and by those of other programs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar, Optional

from invokeai_py_client.ivk_fields.choice import IvkEnumField

# The server's names (6.14.2); a template's own list goes before this one.
SCHEDULERS = (
    "ddim", "ddpm", "deis", "deis_k", "lms", "lms_k", "pndm", "heun", "heun_k",
    "euler", "euler_k", "euler_a", "kdpm_2", "kdpm_2_k", "kdpm_2_a", "kdpm_2_a_k",
    "dpmpp_2s", "dpmpp_2s_k", "dpmpp_2m", "dpmpp_2m_k", "dpmpp_2m_sde",
    "dpmpp_2m_sde_k", "dpmpp_3m", "dpmpp_3m_k", "dpmpp_sde", "dpmpp_sde_k", "er_sde",
    "unipc", "unipc_k", "lcm", "tcd",
)  # fmt: skip

# Names by their letters and digits alone: what the GUI shows, what diffusers calls the
# classes behind the server's names, and what A1111, ComfyUI and k-diffusion call them.
ALIASES: Mapping[str, str] = {
    # A1111 and the GUI
    "eulera": "euler_a",
    "eulerancestral": "euler_a",
    "dpm2": "kdpm_2",
    "kdpm2": "kdpm_2",
    "dpm2a": "kdpm_2_a",
    "dpm2ancestral": "kdpm_2_a",
    "kdpm2ancestral": "kdpm_2_a",
    "dpmpp2sa": "dpmpp_2s",
    "dpmpp2sancestral": "dpmpp_2s",
    "dpmpp2s": "dpmpp_2s",
    "dpmpp2m": "dpmpp_2m",
    "dpmpp3m": "dpmpp_3m",
    "dpmpp2msde": "dpmpp_2m_sde",
    "dpmppsde": "dpmpp_sde",
    "ersde": "er_sde",
    "plms": "pndm",
    # diffusers, without Scheduler and Discrete
    "dpmsolversinglestep": "dpmpp_2s",
    "dpmsolvermultistep": "dpmpp_2m",
    "dpmsolversde": "dpmpp_sde",
    "deismultistep": "deis",
    "unipcmultistep": "unipc",
}


def canonical_scheduler(text: str) -> Optional[str]:
    """The server's name for what other programs call a scheduler.

    ``"DPM++ 2M Karras"``, ``"dpmpp_2m_karras"`` and ``"DPM++ 2M (Karras)"`` are
    ``dpmpp_2m_k``; ``"EulerAncestralDiscreteScheduler"`` and ``"Euler a"`` are
    ``euler_a``.

    Returns:
        One of `SCHEDULERS`; None when nothing goes by that name.
    """
    letters = re.sub(r"[^a-z0-9]", "", text.strip().lower().replace("+", "p"))
    for prefix in ("sample", "invokeai"):
        letters = letters[len(prefix) :] if letters.startswith(prefix) else letters
    letters = letters.replace("scheduler", "").replace("discrete", "")
    stems = [(letters, "")]
    stems += [
        (letters[: -len(ending)], "_k")
        for ending in ("karras", "k")
        if letters.endswith(ending)
    ]
    # k_euler and k_dpmpp_2m are k-diffusion's samplers, not Karras sigmas.
    if letters.startswith("k") and not letters.startswith("kdpm2"):
        stems.append((letters[1:], ""))
    for stem, suffix in stems:
        name = _BY_LETTERS.get(stem)
        if name is not None and name + suffix in SCHEDULERS:
            return name + suffix
    return None


_BY_LETTERS = {name.replace("_", ""): name for name in SCHEDULERS} | dict(ALIASES)


class IvkSchedulerField(IvkEnumField):
    """A scheduler by the server's name, or by an alias of `canonical_scheduler`."""

    TYPE: ClassVar[str] = "SchedulerField"

    @property
    def choices(self) -> tuple[Any, ...]:
        """The template's schedulers, else the 31 of InvokeAI 6.14."""
        return super().choices or SCHEDULERS

    def _accept(self, value: Any) -> Any:
        text = value.value if isinstance(value, Enum) else value
        if isinstance(text, str) and text not in self.choices:
            name = canonical_scheduler(text)
            if name in self.choices:
                return name
        return super()._accept(value)
