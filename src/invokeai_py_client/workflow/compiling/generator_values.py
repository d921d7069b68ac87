"""The values that a generator node makes, number for number as the GUI makes them."""

from __future__ import annotations

import contextlib
import json
import math
import random
from collections.abc import Callable, Mapping
from typing import Any, Optional, Union

from invokeai_py_client.workflow.document.js_semantics import (
    double_sum,
    parse_float,
    parse_int,
    plain_number,
    round_half_up,
    trim,
)
from invokeai_py_client.workflow.editor.server_facts import (
    IMAGE_CATEGORIES,
    BoardImagesQuery,
    DynamicPromptsQuery,
    FactQuery,
    ServerFacts,
)
from invokeai_py_client.workflow.loading.generator_schemas import (
    GENERATOR_FIELDS,
    parse_generator,
)

MAX_ITEMS = 1_000_000
"""More values than any queue takes; the GUI would only freeze."""

_WORD = 2**32
_FROM_BOARD = "image_generator_images_from_board"

Settings = Mapping[str, Any]
Random = Callable[[], float]


class GeneratorError(Exception):
    """The generator cannot make its values; the argument says why."""


class MissingAnswerError(GeneratorError):
    """It needs an answer of the server, which was not asked."""


def generate(
    field_type: str, value: Any, facts: ServerFacts, source: Random = random.random
) -> list[Any]:
    """The values of a generator with these stored settings.

    `source` gives numbers in [0, 1) for a generator without a seed.

    Raises:
        GeneratorError: The settings are no such generator, ask for too many values,
            or need an answer that is missing.
    """
    settings = parse_generator(GENERATOR_FIELDS[field_type], value)
    if settings is None:
        raise GeneratorError("these are not the settings of this generator")
    if settings.get("values") is not None:
        # Stored by old versions of the GUI; they win over the settings.
        stored: list[Any] = list(settings["values"])
        return stored
    if settings.get("count", 0) > MAX_ITEMS:
        raise GeneratorError(f"more than {MAX_ITEMS} values")
    if settings["type"] == _FROM_BOARD and "board_id" not in settings:
        return []
    query = _query(settings)
    return (
        _MAKERS[settings["type"]](settings, source)
        if query is None
        else _answer(query, facts)
    )


def draws_values(field_type: str, value: Any) -> bool:
    """Whether a generator makes other values each time: without a seed of its own."""
    kinds = GENERATOR_FIELDS[field_type]
    settings = parse_generator(kinds, value)
    if settings is None or settings.get("values") is not None:
        return False
    return "seed" in kinds[settings["type"]] and settings.get("seed") is None


def generator_query(field_type: str, value: Any) -> Optional[FactQuery]:
    """What a generator has to ask the server; None when it needs nothing."""
    settings = parse_generator(GENERATOR_FIELDS[field_type], value)
    return None if settings is None else _query(settings)


def _query(
    settings: Settings,
) -> Optional[Union[BoardImagesQuery, DynamicPromptsQuery]]:
    if "board_id" in settings:
        categories = IMAGE_CATEGORIES[settings["category"]]
        return BoardImagesQuery(settings["board_id"], categories)
    if not settings["type"].startswith("string_generator_dynamic_prompts"):
        return None
    if "maxPrompts" in settings:
        return DynamicPromptsQuery(settings["input"], settings["maxPrompts"], True)
    return DynamicPromptsQuery(
        settings["input"], settings["count"], False, settings.get("seed")
    )


def _answer(
    query: Union[BoardImagesQuery, DynamicPromptsQuery], facts: ServerFacts
) -> list[Any]:
    if isinstance(query, DynamicPromptsQuery):
        prompts = facts.prompts(query)
        if prompts is None:
            raise MissingAnswerError("needs the server to expand its prompts")
        return list(prompts)
    names = facts.board_images.get(query)
    if names is None:
        raise MissingAnswerError("needs the server to list the board's images")
    return [{"image_name": name} for name in names]


def uniform(seed: Optional[int], fallback: Random) -> Random:
    """The GUI's random numbers: a Mersenne Twister, 32 bits a number.

    It is seeded with one word, unlike Python's own `random.seed`, so its state is
    filled here (Matsumoto and Nishimura's `init_genrand`).
    """
    if seed is None:
        return fallback
    state = [seed % _WORD]
    for position in range(1, 624):
        before = state[-1]
        state.append((1812433253 * (before ^ (before >> 30)) + position) % _WORD)
    twister = random.Random()
    twister.setstate((3, (*state, 624), None))
    return lambda: twister.getrandbits(32) / _WORD


def _number(value: float) -> Optional[Union[int, float]]:
    """The number as JSON has it: there is no infinity, JavaScript prints null."""
    return plain_number(value) if math.isfinite(value) else None


def _float_sequence(settings: Settings, _draw: Random) -> list[Any]:
    start, step = float(settings["start"]), float(settings["step"])
    if step == 0:
        return [_number(start)]
    return [_number(start + i * step) for i in range(settings["count"])]


def _integer_sequence(settings: Settings, _draw: Random) -> list[Any]:
    start, step = settings["start"], settings["step"]
    if step == 0:
        return [start]
    return [double_sum(start, float(i) * step) for i in range(settings["count"])]


def _float_line(settings: Settings, _draw: Random) -> list[Any]:
    start, end, count = float(settings["start"]), settings["end"], settings["count"]
    if count == 1:
        return [_number(start)]
    return [_number(start + (end - start) * (i / (count - 1))) for i in range(count)]


def _integer_line(settings: Settings, _draw: Random) -> list[Any]:
    start, end, count = settings["start"], settings["end"], settings["count"]
    if count == 1:
        return [start]
    length = float(end) - start
    return [
        double_sum(start, round_half_up(length * (i / (count - 1))))
        for i in range(count)
    ]


def _float_noise(settings: Settings, draw: Random) -> list[Any]:
    draw = uniform(settings.get("seed"), draw)
    low, high = float(settings["min"]), float(settings["max"])
    return [_number(draw() * (high - low) + low) for _ in range(settings["count"])]


def _integer_noise(settings: Settings, draw: Random) -> list[Any]:
    draw = uniform(settings.get("seed"), draw)
    low, high = settings["min"], settings["max"]
    width = float(high) - low + 1
    return [
        double_sum(math.floor(draw() * width), low) for _ in range(settings["count"])
    ]


def _parts(settings: Settings) -> list[str]:
    r"""The text cut at the separator, in which escapes like ``\n`` work."""
    text, separator = settings["input"], settings["splitOn"]
    if separator == "":
        return [text]
    # Without valid escapes the separator is taken literally.
    with contextlib.suppress(ValueError):
        separator = json.loads(f'"{separator}"')
    parts: list[str] = text.split(separator)
    if len(parts) > MAX_ITEMS:
        raise GeneratorError(f"more than {MAX_ITEMS} values")
    return parts


def _texts(settings: Settings, _draw: Random) -> list[Any]:
    return [part for part in _parts(settings) if part]


def _numbers(
    settings: Settings, parse: Callable[[str], Optional[Union[int, float]]]
) -> list[Any]:
    found = [parse(part) for part in map(trim, _parts(settings)) if part]
    return [_number(number) for number in found if number is not None]


_MAKERS: Mapping[str, Callable[[Settings, Random], list[Any]]] = {
    "float_generator_arithmetic_sequence": _float_sequence,
    "float_generator_linear_distribution": _float_line,
    "float_generator_random_distribution_uniform": _float_noise,
    "float_generator_parse_string": lambda settings, _draw: _numbers(
        settings, parse_float
    ),
    "integer_generator_arithmetic_sequence": _integer_sequence,
    "integer_generator_linear_distribution": _integer_line,
    "integer_generator_random_distribution_uniform": _integer_noise,
    "integer_generator_parse_string": lambda settings, _draw: _numbers(
        settings, parse_int
    ),
    "string_generator_parse_string": _texts,
}
