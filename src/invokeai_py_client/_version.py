"""The version of this library, from the metadata of its installation."""

from __future__ import annotations

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("invokeai-py-client")
