"""Run InvokeAI workflows from Python."""

from importlib.metadata import version

__version__ = version("invokeai-py-client")

__all__ = ["__version__"]
