"""Where the files of items go: one template, no two files of one name."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from invokeai_py_client._file_names import (
    FileNameTemplate,
    TakenNames,
    file_name,
    job_fields,
)
from invokeai_py_client.sweep.ledger.records import LedgerItem

IMAGES = "images"
OF_FOLDER = 1000
"""Files of one folder at most: more are slow to list."""

OWN_FIELDS = ("index", "key", "seed", "ordinal", "prompt", "model")
_SUFFIXES = {"image": ".png", "video": ".mp4"}

# The index at the beginning or at the end makes each name different by itself; in the
# middle it could be taken for a part of its neighbours.
_INDEX = r"\{index(:0?\d*d)?\}"
_TELLS_APART = re.compile(rf"^{_INDEX}([-_. /]|$)|(^|[-_ /]){_INDEX}(\.\w+)?$")


def check_fields(template: FileNameTemplate, names: Iterable[str]) -> None:
    """Check that items have all fields of a template.

    Args:
        template: The template of the file names.
        names: The names of the inputs, and of the plan's columns.

    Raises:
        ArgumentError: It has a field that no item has.
    """
    template.require(list(dict.fromkeys([*OWN_FIELDS, *names])))


def check_formats(template: FileNameTemplate, values: Mapping[str, Any]) -> None:
    """Check the formats of a template before anything is made.

    Args:
        template: The template of the file names.
        values: Those of one item, which all others resemble.

    Raises:
        ArgumentError: A format does not fit its value.
    """
    fields = job_fields(values, index=0, key="", seed=0, ordinal=1)
    template.format({**dict.fromkeys(template.fields), **fields})


class OutputNames:
    """Names files by a template; threads may share it."""

    def __init__(
        self,
        template: FileNameTemplate,
        own_values: Mapping[str, Any],
        taken: Iterable[str] = (),
    ) -> None:
        """Prepare.

        Args:
            template: The template of the file names, checked by `check_fields`.
            own_values: Values of the inputs that the sweep may not set.
            taken: The names of the files that there are, relative to the folder.
        """
        self._template = template
        self._own_values = own_values
        self._has_folders = "/" in template.text
        self._is_told_apart = bool(_TELLS_APART.search(template.text))
        self._taken = TakenNames(() if self._is_told_apart else taken)
        self._claims: dict[tuple[int, int], str] = {}
        self._lock = threading.Lock()

    def __call__(
        self, item: LedgerItem, kinds: Sequence[str], executed: Mapping[str, Any]
    ) -> list[str]:
        """One path for each file of an item, relative to the folder."""
        seeds = list((executed.get("seeds") or {}).values())
        fields = job_fields(
            {**self._own_values, **item.values},
            index=item.index,
            key=item.key,
            seed=seeds[0] if seeds else item.values.get("seed"),
        )
        return [
            self._name(item, ordinal, kind, {**fields, "ordinal": ordinal + 1})
            for ordinal, kind in enumerate(kinds)
        ]

    def _name(
        self, item: LedgerItem, ordinal: int, kind: str, fields: Mapping[str, Any]
    ) -> str:
        name = file_name(self._template, fields, _SUFFIXES[kind])
        shard = "" if self._has_folders else f"{item.index // OF_FOLDER:05d}/"
        name = f"{IMAGES}/{shard}{name}"
        if self._is_told_apart:
            return name
        with self._lock:
            place = (item.index, ordinal)
            if place not in self._claims:
                self._claims[place] = self._taken.claim(name, f"{item.key}/{ordinal}")
            return self._claims[place]

    def release(self, item: LedgerItem) -> None:
        """Forget what is remembered of an item, which is done."""
        with self._lock:
            for place in [place for place in self._claims if place[0] == item.index]:
                del self._claims[place]
