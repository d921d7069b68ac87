"""One of several options, and schedulers, which have names in other programs too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, Optional

from invokeai_py_client._suggestions import did_you_mean, near_names
from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.exceptions.workflow import shown
from invokeai_py_client.ivk_fields.scalar import as_integer
from invokeai_py_client.ivk_fields.template_field import RefusedError, TemplateField
from invokeai_py_client.ivk_fields.value_rules import (
    allowed_choices,
    choice_problems,
    is_choice,
    must_be,
)


@lru_cache(maxsize=256)
def enum_of(name: str, choices: tuple[Any, ...]) -> type[Enum]:
    """Options as an enumeration: ``"480p"`` is the member ``_480P``."""
    members: dict[str, Any] = {}
    for choice in choices:
        words = "_".join(re.findall(r"[^\W_]+", str(choice))).upper() or "EMPTY"
        base = words if words[0].isalpha() else f"_{words}"
        key, count = base, 1
        while key in members:
            count += 1
            key = f"{base}_{count}"
        members[key] = choice
    # The functional form makes the class; mypy expects its members as literals.
    return Enum(name, members)  # type: ignore[return-value]


class IvkEnumField(TemplateField[Any]):
    """One of the template's options, by its value; labels are not values.

    Members of an `Enum` (of `choice_enum`, or your own with the same values) are
    taken too.
    """

    @property
    def choices(self) -> Optional[tuple[Any, ...]]:
        """The options; None when the template is not known."""
        options = self.template.gui.get("options") if self.template else None
        if not options:
            options = self.limits.choices
        return tuple(options) if options else None

    @property
    def labels(self) -> Mapping[str, str]:
        """What the GUI calls the options; those it calls by their value are absent."""
        template = self.template
        labels = template.gui.get("ui_choice_labels") if template else None
        return labels if isinstance(labels, Mapping) else {}

    @property
    def choice_enum(self) -> type[Enum]:
        """The options as an `Enum`, for completion in editors and loops."""
        name = self.template.title if self.template else "Choice"
        title = "".join(letter for letter in name.title() if letter.isalnum())
        return enum_of(title or "Choice", self.choices or ())

    def _accept(self, value: Any) -> Any:
        if isinstance(value, Enum):
            value = value.value
        value = as_integer(value)
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            raise RefusedError(must_be("one of the options", value))
        if self.choices is not None and not is_choice(value, self.choices):
            raise RefusedError(self._not_a_choice(value), "choice")
        return value

    def _not_a_choice(self, value: Any) -> str:
        by_label = {label.casefold(): key for key, label in self.labels.items()}
        names = [str(choice) for choice in self.choices or ()]
        text = shown(value) if isinstance(value, int) else str(value)
        label = by_label.get(text.casefold())
        hint = did_you_mean([label] if label else near_names(text, names)[:1])
        tail = f"; {hint}" if hint else ""
        return f"must be one of {self.allowed}, got {shown(value)}{tail}"

    def _wire_problems(self, value: Any) -> Iterator[FieldProblem]:
        if self.choices is None and not isinstance(value, (str, int)):
            yield must_be("a string or an integer", value)
            return
        yield from choice_problems(value, self.choices, self.labels)

    def _item_schema(self) -> dict[str, Any]:
        if self.choices is None:
            return {"type": ["string", "integer"]}
        schema: dict[str, Any] = {"enum": list(self.choices)}
        if all(isinstance(choice, str) for choice in self.choices):
            schema["type"] = "string"
        if self.labels:
            schema["description"] = f"One of {self.allowed}"
        return schema

    @property
    def allowed(self) -> str:
        """The options, with the GUI's labels."""
        if self.choices is None:
            return "a string or an integer"
        return allowed_choices(self.choices, self.labels)


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
        One of `SCHEDULERS`; None when no scheduler has that name.
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
    if letters.startswith("k"):
        stems.append((letters[1:], ""))
    for stem, suffix in stems:
        name = _BY_LETTERS.get(stem)
        if name is not None and name + suffix in SCHEDULERS:
            return name + suffix
    return None


_BY_LETTERS = {name.replace("_", ""): name for name in SCHEDULERS} | dict(ALIASES)


class IvkSchedulerField(IvkEnumField):
    """A scheduler by the server's name, or by an alias of `canonical_scheduler`."""

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
