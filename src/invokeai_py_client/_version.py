"""The version of this library, and where to read how its extras are installed."""

from __future__ import annotations

# `pyproject.toml` has the same.
__version__ = "2.0.0.dev0"


def extra_hint(extra: str) -> str:
    """What to do when a package of an extra is missing.

    No message names the package index: until 2.0.0 is released it has an older
    library under this name.
    """
    return f'install the extra "{extra}": see docs/installation.md#extras'
