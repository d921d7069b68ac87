"""The title of an input whose schema has none: its name in start case.

``cfg_scale`` becomes ``Cfg Scale``, as lodash's `startCase` (which the GUI uses) has
it: Latin letters without accents, apostrophes dropped, words split at case changes and
at digits, a word of capitals kept.
"""

from __future__ import annotations

import re
import unicodedata

# Latin letters that Unicode does not decompose.
LETTERS = str.maketrans(
    {
        "Æ": "Ae", "Ð": "D", "Ø": "O", "Þ": "Th", "ß": "ss", "æ": "ae", "ð": "d",
        "ø": "o", "þ": "th", "Đ": "D", "đ": "d", "Ħ": "H", "ħ": "h", "\u0131": "i",
        "Ĳ": "IJ", "ĳ": "ij", "ĸ": "k", "Ŀ": "L", "ŀ": "l", "Ł": "L", "ł": "l",
        "ŉ": "'n", "Ŋ": "N", "ŋ": "n", "Œ": "Oe", "œ": "oe", "Ŧ": "T", "ŧ": "t",
        "\u017f": "s",
    }
)  # fmt: skip
# Over one class letter per character: U upper, l lower, a other letter, 0 digit.
WORDS = re.compile(r"U?l+|0+|U+(?!l)|[Ula]+")


def start_case(name: str) -> str:
    """`name` as a title; empty when it has neither letters nor digits."""
    plain = unicodedata.normalize("NFD", name)
    plain = "".join(letter for letter in plain if not _is_accent(letter))
    plain = plain.translate(LETTERS).replace("'", "").replace("\u2019", "")
    classes = "".join(_class_of(letter) for letter in plain)
    words = (plain[slice(*match.span())] for match in WORDS.finditer(classes))
    return " ".join(_capitalized(word) for word in words)


def _is_accent(letter: str) -> bool:
    return "\u0300" <= letter <= "\u036f" or "\ufe20" <= letter <= "\ufe2f"


def _class_of(letter: str) -> str:
    if "0" <= letter <= "9":
        return "0"
    category = unicodedata.category(letter)
    if category.startswith("L"):
        return {"Lu": "U", "Ll": "l"}.get(category, "a")
    return "-"


def _capitalized(word: str) -> str:
    if word == word.upper():
        return word
    return word[0].upper() + word[1:].lower()
