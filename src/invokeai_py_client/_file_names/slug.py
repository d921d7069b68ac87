"""Words that are pleasant in a file name: lower case, joined by hyphens."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

LONGEST = 80
EMPTY = "untitled"

# Latin letters that Unicode does not split into an ASCII letter and a mark.
_LETTERS = str.maketrans(
    dict(zip("ßæœøđðþłı", ("ss", "ae", "oe", "o", "d", "d", "th", "l", "i")))
)


def file_slug(text: str, most: int = LONGEST) -> str:
    """Fold `text` to words joined by ``-``: ``"Über the SEA!"``, ``"uber-the-sea"``.

    Latin letters become ASCII. Letters and digits of other scripts stay: they cannot
    be written in ASCII without a dictionary, and without them all prompts of such a
    script would be one name. Everything else separates words.

    Args:
        text: Any text, such as a prompt.
        most: The most characters. The last word that does not fit is left out when at
            least half of the length stays, else it is cut.

    Returns:
        Never empty: text without a letter or digit is ``"untitled"``.
    """
    # A prompt may be a book; what comes later cannot stay anyway.
    folded = unicodedata.normalize("NFKC", text[: 20 * most + 100]).casefold()
    words = _hyphenated(map(_folded, folded.translate(_LETTERS)))
    return _cut(unicodedata.normalize("NFC", words), most) or EMPTY


def _folded(letter: str) -> str:
    apart = unicodedata.normalize("NFKD", letter)
    return apart[0] if apart[0].isascii() else letter


def _hyphenated(letters: Iterable[str]) -> str:
    words: list[str] = []
    for letter in letters:
        if letter.isalnum():
            words.append(letter)
        elif unicodedata.category(letter)[0] == "M":
            # Vowels of many scripts are marks. One without a letter is left out.
            if words and words[-1] != "-" and not words[-1][0].isascii():
                words[-1] += letter
        elif words and words[-1] != "-":
            words.append("-")
    return "".join(words).strip("-")


def _cut(words: str, most: int) -> str:
    if len(words) <= most:
        return words
    end = most
    # A mark belongs to the letter before it.
    while end and unicodedata.category(words[end])[0] == "M":
        end -= 1
    short = words[:end]
    whole = short if words[end] == "-" else short.rpartition("-")[0]
    return (whole if 2 * len(whole) >= most else short).strip("-")
