"""Accounts of a server with several users."""

from __future__ import annotations

from invokeai_py_client.user.async_user_repo import AsyncUserRepository
from invokeai_py_client.user.models import AuthStatus, User
from invokeai_py_client.user.user_repo import UserRepository

__all__ = [
    "AsyncUserRepository",
    "AuthStatus",
    "User",
    "UserRepository",
]
