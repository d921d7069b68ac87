"""The client state: texts by key that the server keeps for a user."""

from __future__ import annotations

from invokeai_py_client.client_state.async_client_state_repo import (
    AsyncClientStateRepository,
)
from invokeai_py_client.client_state.client_state_repo import ClientStateRepository

__all__ = [
    "AsyncClientStateRepository",
    "ClientStateRepository",
]
