"""What the server says about accounts: frozen snapshots."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client._snapshot import Snapshot, UtcDatetime

__all__ = ["AuthStatus", "User"]


class AuthStatus(Snapshot):
    """Whether the server has accounts, and what it wants of passwords.

    Attributes:
        setup_required: True until `set_up_admin` made the first account.
        strict_password_checking: Passwords need eight characters with upper and
            lower case and a digit; otherwise any password will do.
        admin_email: Told only as long as `setup_required`.
    """

    multiuser_enabled: bool = False
    setup_required: bool = False
    strict_password_checking: bool = False
    admin_email: Optional[str] = None


class User(Snapshot):
    """An account.

    Attributes:
        is_active: False when it may not log in.
        token_epoch: Grows when all of its tokens became void.
    """

    user_id: str
    email: str
    display_name: Optional[str] = None
    is_admin: bool = False
    is_active: bool = True
    created_at: Optional[UtcDatetime] = None
    updated_at: Optional[UtcDatetime] = None
    last_login_at: Optional[UtcDatetime] = None
    token_epoch: int = 0
