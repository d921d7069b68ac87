"""Texts in which other programs, and old versions of InvokeAI, tell what they did.

Each reader returns what the text says, by the names of recipes, and nothing
that it does not say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

# `Steps: 20, Sampler: Euler a, Model: "a, b"`, as the web UI writes and reads it.
_PARAMETER = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_FEWEST_PARAMETERS = 3
_NEGATIVE = "Negative prompt:"
_SIZE = re.compile(r"(\d+)x(\d+)")
_LORA = re.compile(r"<(?:lora|lyco):([^:>]+)(?::([-+.\d]+))?[^>]*>")
_A1111_NAMES = {
    "cfg_scale": "cfg_scale",
    "model": "model",
    "model_hash": "model_hash",
    "sampler": "scheduler",
    "seed": "seed",
    "steps": "steps",
    "vae": "vae",
}
# Of these the text may be a number that is none: a hash of digits.
_TEXTS = frozenset({"model", "model_hash", "scheduler", "vae"})


def read_a1111(text: str) -> dict[str, Any]:
    """What the ``parameters`` of Automatic1111, Forge and the like say.

    The prompt keeps its ``<lora:name:0.8>`` tags, which are also listed as `loras`.
    """
    *lines, last = text.strip().replace("\r\n", "\n").split("\n")
    parameters = _PARAMETER.findall(last)
    if len(parameters) < _FEWEST_PARAMETERS:
        lines, parameters = [*lines, last], []
    prompts: tuple[list[str], list[str]] = [], []
    is_negative = False
    for line in map(str.strip, lines):
        if line.startswith(_NEGATIVE):
            is_negative, line = True, line[len(_NEGATIVE) :].strip()
        prompts[is_negative].append(line)
    found: dict[str, Any] = {}
    for name, words in zip(("prompt", "negative_prompt"), prompts):
        if any(words):
            found[name] = "\n".join(words)
    for key, value in parameters:
        found.update(_a1111_entry(_name(key), _unquoted(value.strip())))
    loras = _LORA.findall(found.get("prompt", ""))
    if loras:
        found["loras"] = [
            {"model": {"name": name}, **({"weight": _number(weight)} if weight else {})}
            for name, weight in loras
        ]
    return found


def _a1111_entry(name: str, value: str) -> dict[str, Any]:
    size = _SIZE.fullmatch(value)
    if name == "size" and size:
        return {"width": int(size[1]), "height": int(size[2])}
    # Theirs may be called as something of ours that it is not.
    own = _A1111_NAMES.get(name, name if name not in _OURS else f"{name}_text")
    return {own: value if own in _TEXTS else _number(value)} if value else {}


_OURS = frozenset(
    {"prompt", "negative_prompt", "scheduler", "width", "height", "loras"}
)


def _name(key: str) -> str:
    return re.sub(r"\W+", "_", key.strip().lower())


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        try:
            return str(json.loads(value))
        except ValueError:
            return value
    return value


def _number(text: str) -> Any:
    if re.fullmatch(r"[-+]?\d{1,20}", text):
        return int(text)
    if re.fullmatch(r"[-+]?\d{0,20}\.\d{1,20}", text):
        return float(text)
    return text


# -- old versions of InvokeAI ----------------------------------------------------------

_DREAM_OPTIONS = {
    "s": ("steps", r"\d+"),
    "S": ("seed", r"\d+"),
    "W": ("width", r"\d+"),
    "H": ("height", r"\d+"),
    "C": ("cfg_scale", r"\d+(?:\.\d+)?"),
    "A": ("scheduler", r"\w+"),
}


def read_dream(text: str) -> dict[str, Any]:
    """What the ``Dream`` of InvokeAI 1 and 2 says: a line of its command language.

    The prompt is in quotation marks; words in brackets are its negative part.
    """
    text = text.strip()
    quoted = re.match(r'(?:!?dream>?\s*)?"((?:\\.|[^"\\])*)"\s*', text)
    if quoted is None:
        prompt, options = re.split(r"\s(?=-\w)", f"{text} ", maxsplit=1)[0], text
        options = text[len(prompt.rstrip()) :]
    else:
        prompt, options = quoted[1].replace('\\"', '"'), text[quoted.end() :]
    found = _prompts(prompt)
    for letter, (name, form) in _DREAM_OPTIONS.items():
        option = re.search(rf"(?:^|\s)-{letter}\s*({form})(?=\s|$)", options)
        if option is not None:
            value = option[1]
            found[name] = value if name == "scheduler" else _number(value)
    return found


def read_sd_metadata(data: Mapping[str, Any]) -> dict[str, Any]:
    """What the ``sd-metadata`` of InvokeAI 2 says."""
    found: dict[str, Any] = {}
    image = data.get("image")
    image = image if isinstance(image, Mapping) else {}
    prompt = image.get("prompt")
    if isinstance(prompt, list):
        parts = [part.get("prompt") for part in prompt if isinstance(part, Mapping)]
        # Several are mixed by their weights: none of them is the prompt.
        prompt = parts[0] if len(parts) == 1 else None
    if isinstance(prompt, str):
        found.update(_prompts(prompt))
    weights = data.get("model_weights")
    if isinstance(weights, str):
        found["model"] = weights
    for key, name in (
        ("seed", "seed"),
        ("steps", "steps"),
        ("cfg_scale", "cfg_scale"),
        ("sampler", "scheduler"),
        ("width", "width"),
        ("height", "height"),
        ("strength", "strength"),
        ("type", "generation_mode"),
    ):
        if isinstance(image.get(key), (int, float, str)):
            found[name] = image[key]
    for key in ("model_hash", "app_version"):
        if isinstance(data.get(key), str):
            found[key] = data[key]
    return found


def read_beta_text(data: Mapping[str, Any]) -> dict[str, Any]:
    """What the ``invokeai`` of the first betas of InvokeAI 3 says."""
    names = {
        "positive_conditioning": "prompt",
        "negative_conditioning": "negative_prompt",
        "type": "generation_mode",
    }
    kinds = (int, float, str, Mapping)
    return {
        names.get(key, key): value
        for key, value in data.items()
        if isinstance(value, kinds)
    }


def _prompts(text: str) -> dict[str, Any]:
    """A prompt and its negative part, which old versions put into brackets."""
    one_line = " ".join(text.split("\n"))
    negative = re.findall(r"\[(.+?)\]", one_line)
    prompt = re.sub(r"\[.+?\]", "", one_line).strip()
    found: dict[str, Any] = {"prompt": " ".join(prompt.split()) if negative else prompt}
    if negative:
        found["negative_prompt"] = ", ".join(part.strip(" ,") for part in negative)
    return found
