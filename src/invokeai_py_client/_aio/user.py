# Generated from admin/user.py by scripts/generate_async.py; do not edit.
"""`AsyncUserRepository`: accounts of a server with several users, and the client's own."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client._arguments import Name, checks_arguments
from invokeai_py_client._core.send import (
    call_field,
    call_model,
    changes_of,
    get,
    post,
)
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client.admin.user import (
    AUTH,
    PATH,
    USERS,
    AuthStatus,
    User,
    UserLike,
    get_me_flow,
    log_in_flow,
    log_out_flow,
    set_up_admin_flow,
    update_me_flow,
    update_user_flow,
)
from invokeai_py_client.exceptions import ArgumentError

"""A user, or their id or e-mail address."""


@set_module("invokeai_py_client.admin")
@checks_arguments
class AsyncUserRepository(Repository[AsyncRunner]):
    """Accounts (servers from 6.12 on, started with `multiuser: true`).

    On a server without accounts everything but `get_auth_status` raises a
    `PermissionDeniedError` or an `AuthenticationError`; on an older one an
    `UnsupportedVersionError`.
    """

    async def get_auth_status(self) -> AuthStatus:
        """Ask whether the server has accounts and a first one; no log-in is needed."""
        request = get(f"{AUTH}/status", anonymous=True)
        return await self._runner.run(call_model(AuthStatus, request))

    async def set_up_admin(
        self, email: Name, password: Name, *, display_name: Optional[str] = None
    ) -> User:
        """Make the first account, an administrator, and log in as it.

        Raises:
            APIStatusError: 400: there is an administrator already, or the password
                is too weak; the message says which.
            PermissionDeniedError: The server has no accounts.
        """
        return await self._runner.run(set_up_admin_flow(email, password, display_name))

    async def log_in(
        self, email: Name, password: Name, *, remember: bool = True
    ) -> User:
        """Be this user from now on, with everything this client does.

        The client logs in again by itself when its token has expired. An event
        socket that is open already stays the former user's until it reconnects.

        Args:
            email: The user's e-mail address.
            password: That user's password.
            remember: A token for seven days instead of one.

        Raises:
            AuthenticationError: There is no such user, or the password is wrong.
            PermissionDeniedError: The account is disabled, or the server has none.
        """
        return await self._runner.run(log_in_flow(email, password, remember))

    async def log_out(self) -> None:
        """Forget the credentials of the client.

        The server revokes nothing: a copied token stays valid until it
        expires, or until the password is changed.
        """
        return await self._runner.run(log_out_flow())

    async def get_me(self) -> User:
        """Read the account the client is logged in as.

        Raises:
            AuthenticationError: It is not logged in.
        """
        return await self._runner.run(get_me_flow())

    async def update_me(
        self,
        *,
        display_name: Optional[str] = None,
        current_password: Optional[str] = None,
        new_password: Optional[str] = None,
    ) -> User:
        """Change the account the client is logged in as; what is None stays.

        A new password logs out every other session of the account; this client
        goes on with it.

        Raises:
            APIStatusError: 400: the current password is wrong, or the new one too
                weak; the message says which.
        """
        if (current_password is None) != (new_password is None):
            raise ArgumentError(
                "new_password", None, "a string together with current_password"
            )
        values = {
            "display_name": display_name,
            "current_password": current_password,
            "new_password": new_password,
        }
        return await self._runner.run(update_me_flow(changes_of(values)))

    async def generate_password(self) -> str:
        """Get a strong random password of 16 characters, made by the server."""
        request = get(f"{AUTH}/generate-password")
        return await self._runner.run(call_field(str, request, "password"))

    async def list_users(self) -> list[User]:
        """List the accounts; needs an administrator."""
        return await self._runner.run(USERS.list_all())

    async def get_user(self, user: UserLike) -> User:
        """Read an account; needs an administrator.

        Raises:
            NotFoundError: There is no such account.
        """
        return await self._runner.run(USERS.get(user))

    async def create_user(
        self,
        email: Name,
        password: Name,
        *,
        display_name: Optional[str] = None,
        is_admin: bool = False,
    ) -> User:
        """Make an account; needs an administrator.

        Raises:
            APIStatusError: 400: the address has an account, or the password is too
                weak; the message says which.
        """
        body = {
            "email": email,
            "password": password,
            "display_name": display_name,
            "is_admin": is_admin,
        }
        return await self._runner.run(call_model(User, post(PATH, json=body)))

    async def update_user(
        self,
        user: UserLike,
        *,
        display_name: Optional[str] = None,
        password: Optional[str] = None,
        is_admin: Optional[bool] = None,
        is_active: Optional[bool] = None,
    ) -> User:
        """Change an account; what is None stays. Needs an administrator.

        A new password, and `is_active=False`, log out every session of the account.

        Raises:
            NotFoundError: There is no such account.
            APIStatusError: 400: the password is too weak, or nobody would be left
                as administrator.
        """
        values = {
            "display_name": display_name,
            "password": password,
            "is_admin": is_admin,
            "is_active": is_active,
        }
        return await self._runner.run(update_user_flow(user, changes_of(values)))

    async def delete_user(self, user: UserLike) -> None:
        """Delete an account; needs an administrator.

        Raises:
            NotFoundError: There is no such account.
            APIStatusError: 400: it is the last administrator.
        """
        return await self._runner.run(USERS.delete(user))
