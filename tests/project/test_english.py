"""Words that a native technical writer does not use do not return to the prose.

Prose is comments, docstrings and messages (string literals with a space) of the source,
and the pages for users outside code.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
from paths import REPOSITORY

SOURCE = REPOSITORY / "src" / "invokeai_py_client"

UNWANTED = {
    "is no <noun>": r"(?<!there )(?<!here )\b(?:is|are) no (?!longer\b|more\b|such\b)",
    "picture": r"\bpictures?\b",
    "for ever": r"\bfor ever\b",
    "a text": r"\ba text\b(?! (?:field|file|box|input|prompt|encoder))",
    "whatever": r"\bwhatever\b",
    "in words": r"\bin words\b",
    "came forward": r"\bcame forward\b",
    "goes by": r"\bgo(?:es)? by\b(?! (?:HTTP|itself))",
    "stands": r"\bstands\b",
}
PATTERNS = {
    name: re.compile(pattern, re.IGNORECASE) for name, pattern in UNWANTED.items()
}

# Files and the unwanted words that they may contain, such as in a quotation.
ALLOWED: frozenset[tuple[str, str]] = frozenset()


def prose_of(path: Path) -> Iterator[tuple[int, str]]:
    """The prose of a file, each piece with the number of its first line."""
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        # The code stays as empty lines, so that the numbers are right.
        blank = re.sub(
            r"```.*?```", lambda code: "\n" * code[0].count("\n"), text, flags=re.DOTALL
        )
        for number, line in enumerate(blank.splitlines(), 1):
            yield number, re.sub(r"`[^`]*`", "`code`", line)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        is_string = token.type == tokenize.STRING or (
            tokenize.tok_name[token.type] == "FSTRING_MIDDLE"
        )
        if token.type == tokenize.COMMENT or (is_string and " " in token.string):
            yield token.start[0], re.sub(r"`[^`\n]*`", "`code`", token.string)


def found_in(path: Path) -> list[str]:
    name = path.relative_to(REPOSITORY).as_posix()
    return [
        f"{name}:{number}: {word!r}"
        for number, prose in prose_of(path)
        for word, pattern in PATTERNS.items()
        if pattern.search(prose) and (name, word) not in ALLOWED
    ]


def source_files() -> list[Path]:
    generated = SOURCE / "_aio"
    return [path for path in SOURCE.rglob("*.py") if generated not in path.parents]


def pages() -> list[Path]:
    docs = sorted((REPOSITORY / "docs").glob("*.md"))
    return [*REPOSITORY.glob("*.md"), *docs, REPOSITORY / "examples" / "README.md"]


def test_the_source_is_written_in_plain_english():
    assert [line for path in source_files() for line in found_in(path)] == []


def test_the_pages_are_written_in_plain_english():
    assert [line for path in pages() for line in found_in(path)] == []


@pytest.mark.parametrize(
    ("prose", "word"),
    [
        ("# it is no number", "is no <noun>"),
        ("# there is no number, and it is no longer one", None),
        ("raise E('a picture of it')", "picture"),
        ("'picture'", None),
        ("# waits for ever", "for ever"),
        ("# a text field", None),
        ("# an input goes by its label", "goes by"),
        ("# what stands there", "stands"),
    ],
)
def test_unwanted_words_are_found_where_they_are_prose(tmp_path, prose, word):
    path = tmp_path / "module.py"
    path.write_text(prose + "\n")
    found = {
        name
        for _, text in prose_of(path)
        for name, pattern in PATTERNS.items()
        if pattern.search(text)
    }
    assert found == ({word} if word else set())
