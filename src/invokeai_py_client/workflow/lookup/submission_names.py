"""Names for submissions that have none: the same each time the same code runs."""

from __future__ import annotations

import itertools


class SubmissionNames:
    """Gives the first, the second, … submission of one chain its key.

    Args:
        chain: Identity of the chain.
    """

    def __init__(self, chain: str) -> None:
        self.chain = chain
        self._numbers = itertools.count(1)

    def next_key(self) -> str:
        """The key of the next submission; random seeds are drawn from it, too."""
        return f"{self.chain}#{next(self._numbers)}"
