"""After a fork: the child gets connections, threads and locks of its own.

Two processes on one connection would read each other's answers, threads do not exist
in the child, and a lock that another thread held stays locked there for ever.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol

__all__ = ["renew_after_fork"]


class _Renewable(Protocol):
    def renew(self) -> None:
        """Let go, without a word to the other side, of what the parent uses."""


_alive: weakref.WeakSet[_Renewable] = weakref.WeakSet()


def renew_after_fork(thing: _Renewable) -> None:
    """Call `thing.renew()` in every child that is forked while `thing` is alive."""
    _alive.add(thing)


def _renew_all() -> None:
    for thing in list(_alive):
        thing.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
