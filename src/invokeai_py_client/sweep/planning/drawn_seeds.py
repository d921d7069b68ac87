"""Seeds that a plan draws: all of them follow from one number, which is recorded."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Annotated, Optional, Union, overload

from invokeai_py_client._arguments import checked, checks_arguments, whole_number
from invokeai_py_client._exports import set_module
from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.workflow.compiling.seeds import MAX_SEED

Number = Annotated[int, whole_number(1)]
Start = Annotated[int, whole_number(0, MAX_SEED)]
Root = Annotated[int, whole_number(0)]


def new_root() -> int:
    """A number to draw seeds from."""
    return secrets.randbits(62)


def drawn_seed(root: int, place: str, index: int) -> int:
    """The seed of one place of a plan; always the same for the same root."""
    words = f"{root}/{place}/{index}".encode()
    return int.from_bytes(hashlib.blake2b(words, digest_size=4).digest(), "big")


@checks_arguments
@set_module("invokeai_py_client.sweep")
class SeedList(Sequence[int]):
    """Seeds for an axis; see `seeds`.

    Attributes:
        is_open: A plan draws them, so that all it draws follows from one number.
        place: Which of the plan's lists it is, once a plan has drawn them.
    """

    def __init__(
        self, n: Number, start: Optional[Start] = None, random: Optional[Root] = None
    ) -> None:
        """Count from `start`, or draw; `seeds` is the function to call."""
        if start is not None and random is not None:
            raise ArgumentError("random", random, "None together with start")
        if start is not None and start + n - 1 > MAX_SEED:
            raise ArgumentError("start", start, f"at most {MAX_SEED - n + 1} for {n}")
        self._n, self._start = n, start
        self.is_open = start is None and random is None
        self._root = new_root() if self.is_open else random
        self.place: Optional[int] = None

    def drawn_from(self, root: int, place: int) -> SeedList:
        """The same number of seeds, drawn for one place of a plan."""
        drawn = SeedList(self._n, random=root)
        drawn.place = place
        return drawn

    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: Union[int, slice]) -> Union[int, list[int]]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(self._n))]
        place = range(self._n)[index]
        if self._start is not None:
            return self._start + place
        return drawn_seed(self._root or 0, f"list {self.place}", place)

    def __repr__(self) -> str:
        how = "drawn" if self._start is None else f"from {self._start}"
        return f"<{self._n} seeds {how}>"


@checked
def seeds(
    n: Number, *, start: Optional[Start] = None, random: Optional[Root] = None
) -> SeedList:
    """Seeds for an axis of a sweep.

    Args:
        n: How many.
        start: Count from here: ``seeds(3, start=1)`` is 1, 2, 3.
        random: Draw them from this number, the same each time. Without `start` and
            `random` they are drawn when the sweep is planned, and a sweep that is
            taken up again has the same.

    Raises:
        ArgumentError: A number is not allowed.
    """
    return SeedList(n, start, random)
