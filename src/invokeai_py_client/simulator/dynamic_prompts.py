"""Prompts with alternatives: `a {red|blue} house`, nested as deep as one likes.

A variant may draw several alternatives (`{2$$a|b|c}`, joined by a comma, or by the text
between further dollar signs, `{2$$ and $$a|b}`) and may carry a weight (`{0.3::a|b}`).
`__name__` stands for a wildcard file; there are none here, so it stays as it is.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, permutations, product
from typing import Optional, Union

_WEIGHT = re.compile(r"\s*(\d+(?:\.\d+)?)::")
_BOUNDS = re.compile(r"(\d*)(-?)(\d*)\Z")


@dataclass(frozen=True)
class _Variants:
    low: int
    high: int
    separator: str
    options: Sequence[_Sequence]
    weights: Sequence[float]


@dataclass(frozen=True)
class _Sequence:
    parts: Sequence[Union[str, _Variants]]


def combinations(template: str, limit: int) -> list[str]:
    """Every prompt a template stands for, at most `limit`.

    Raises:
        ValueError: Brackets do not match, or a number of choices makes no sense.
    """
    return list(islice(_all(_parse(template)), limit))


def random_prompts(template: str, count: int, seed: Optional[int] = None) -> list[str]:
    """Prompts drawn at random; the same seed draws the same ones.

    Raises:
        ValueError: Brackets do not match, or a number of choices makes no sense.
    """
    parsed = _parse(template)
    generator = random.Random(seed)
    return [_draw(parsed, generator) for _ in range(count)]


def _parse(text: str) -> _Sequence:
    parsed, rest = _sequence(text, 0, nested=False)
    if rest != len(text):
        raise ValueError(f"unexpected {text[rest]!r} at {rest} in the prompt")
    return parsed


def _sequence(text: str, start: int, *, nested: bool) -> tuple[_Sequence, int]:
    parts: list[Union[str, _Variants]] = []
    literal = ""
    at = start
    while at < len(text):
        char = text[at]
        if nested and char in "|}":
            break
        if char == "{":
            if literal:
                parts.append(literal)
                literal = ""
            variants, at = _variants(text, at + 1)
            parts.append(variants)
            continue
        if char == "}":
            break
        literal += char
        at += 1
    if literal:
        parts.append(literal)
    return _Sequence(tuple(parts)), at


def _variants(text: str, start: int) -> tuple[_Variants, int]:
    low, high, separator, at = _quantity(text, start)
    options, weights = [], []
    while True:
        match = _WEIGHT.match(text, at)
        weights.append(float(match.group(1)) if match else 1.0)
        option, at = _sequence(text, match.end() if match else at, nested=True)
        options.append(option)
        if at >= len(text):
            raise ValueError("a '{' in the prompt is never closed")
        at += 1
        if text[at - 1] == "}":
            return _Variants(low, high, separator, tuple(options), tuple(weights)), at


def _quantity(text: str, start: int) -> tuple[int, int, str, int]:
    """Reads `2$$`, `1-3$$` or `2$$ and $$` at the beginning of variants."""
    end = text.find("$$", start)
    match = _BOUNDS.match(text[start:end]) if end >= 0 else None
    if match is None or not match.group(0):
        return 1, 1, ",", start
    low = int(match.group(1) or 0)
    high = int(match.group(3) or 99) if match.group(2) else low
    if high < low:
        raise ValueError(f"no number is between {low} and {high}")
    rest = end + 2
    second = text.find("$$", rest)
    closing = re.search(r"[{|}]", text[rest:])
    if second >= 0 and (closing is None or second < rest + closing.start()):
        return low, high, text[rest:second], second + 2
    return low, high, ",", rest


def _all(sequence: _Sequence) -> Iterator[str]:
    pools = [
        [part] if isinstance(part, str) else list(_choices(part))
        for part in sequence.parts
    ]
    for combination in product(*pools):
        yield "".join(combination)


def _choices(variants: _Variants) -> Iterator[str]:
    if (variants.low, variants.high) == (1, 1):
        for option in variants.options:
            yield from _all(option)
        return
    for number in range(variants.low, min(variants.high, len(variants.options)) + 1):
        for chosen in permutations(variants.options, number):
            for texts in product(*(list(_all(option)) for option in chosen)):
                yield variants.separator.join(texts)


def _draw(sequence: _Sequence, generator: random.Random) -> str:
    return "".join(
        part if isinstance(part, str) else _draw_variants(part, generator)
        for part in sequence.parts
    )


def _draw_variants(variants: _Variants, generator: random.Random) -> str:
    number = generator.randint(
        variants.low, min(variants.high, max(len(variants.options), variants.low))
    )
    pool = list(zip(variants.options, variants.weights))
    texts = []
    for _ in range(min(number, len(pool))):
        weights = [weight for _, weight in pool]
        index = generator.choices(range(len(pool)), weights)[0]
        texts.append(_draw(pool.pop(index)[0], generator))
    return variants.separator.join(texts)
