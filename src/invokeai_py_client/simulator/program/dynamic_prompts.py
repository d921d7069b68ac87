"""Prompts with alternatives: `a {red|blue} house`, nested to any depth."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, product
from typing import Optional

_INNERMOST = re.compile(r"{([^{}]*)}")
_CHOOSING = re.compile(r"(\d*-?\d*\$\$|\s*\d+(\.\d+)?::)")


def combinations(template: str, limit: int) -> list[str]:
    """The prompts a template expands to, at most `limit`."""
    groups: list[list[str]] = []

    def mark(options: Sequence[str]) -> str:
        # Inner groups have been marked before, so an option may contain marks.
        groups.append([text for option in options for text in unmarked(option)])
        return f"\0{len(groups) - 1}\0"

    def unmarked(text: str) -> Iterator[str]:
        parts = text.split("\0")
        pools = [
            groups[int(part)] if number % 2 else [part]
            for number, part in enumerate(parts)
        ]
        return map("".join, product(*pools))

    return list(islice(unmarked(_replaced(template, mark)), limit))


def random_prompts(template: str, count: int, seed: Optional[int] = None) -> list[str]:
    """Prompts drawn at random; the same seed draws the same ones."""
    generator = random.Random(seed)
    return [_replaced(template, generator.choice) for _ in range(count)]


def _replaced(text: str, choose: Callable[[Sequence[str]], str]) -> str:
    """The text with each group of alternatives replaced, the innermost first."""

    def replace(match: re.Match[str]) -> str:
        options = match[1].split("|")
        if any(map(_CHOOSING.match, options)):
            raise ValueError(
                f"the simulator does not support weights and numbers: {match[0]}"
            )
        return choose(options)

    while _INNERMOST.search(text):
        text = _INNERMOST.sub(replace, text)
    if "{" in text or "}" in text:
        raise ValueError("the braces of the prompt do not match")
    return text
