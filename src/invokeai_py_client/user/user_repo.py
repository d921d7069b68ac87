"""`UserRepository`: accounts of a server with several users, and the client's own."""

from __future__ import annotations

from typing import Optional, Union

from invokeai_py_client._io.runner import Runner
from invokeai_py_client.user import flows
from invokeai_py_client.user.models import AuthStatus, User

__all__ = ["UserRepository"]


class UserRepository:
    """Accounts (servers from 6.12 on, started with `multiuser: true`).

    On a server without accounts everything but `get_status` raises a
    `PermissionDeniedError` or an `AuthenticationError`; on an older one an
    `UnsupportedVersionError`.

    Args:
        runner: What runs the flows: the client's.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def get_status(self) -> AuthStatus:
        """Ask whether the server has accounts and a first one; no log-in is needed."""
        return self._runner.run(flows.get_status())

    def set_up_admin(
        self, email: str, password: str, *, display_name: Optional[str] = None
    ) -> User:
        """Make the first account, an administrator, and log in as it.

        Raises:
            APIStatusError: 400: there is an administrator already, or the password
                is too weak; the message says which.
            PermissionDeniedError: The server has no accounts.
        """
        return self._runner.run(flows.set_up_admin(email, password, display_name))

    def log_in(self, email: str, password: str, *, remember: bool = True) -> User:
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
        return self._runner.run(flows.log_in(email, password, remember))

    def log_out(self) -> None:
        """Forget who the client is.

        The server only says yes: a token that somebody copied stays good until it
        expires, or until the password is changed.
        """
        return self._runner.run(flows.log_out())

    def get_me(self) -> User:
        """Read the account the client is logged in as.

        Raises:
            AuthenticationError: It is not logged in.
        """
        return self._runner.run(flows.get_me())

    def update_me(
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
        return self._runner.run(
            flows.update_me(display_name, current_password, new_password)
        )

    def generate_password(self) -> str:
        """Get a strong random password of 16 characters, made by the server."""
        return self._runner.run(flows.generate_password())

    def list_users(self) -> list[User]:
        """List the accounts; needs an administrator."""
        return self._runner.run(flows.list_users())

    def get_user(self, user_id: str) -> User:
        """Read an account; needs an administrator.

        Raises:
            NotFoundError: There is no such account.
        """
        return self._runner.run(flows.get_user(user_id))

    def create_user(
        self,
        email: str,
        password: str,
        *,
        display_name: Optional[str] = None,
        is_admin: bool = False,
    ) -> User:
        """Make an account; needs an administrator.

        Raises:
            APIStatusError: 400: the address has an account, or the password is too
                weak; the message says which.
        """
        return self._runner.run(
            flows.create_user(email, password, display_name, is_admin)
        )

    def update_user(
        self,
        user: Union[str, User],
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
        return self._runner.run(
            flows.update_user(
                user if isinstance(user, str) else user.user_id,
                display_name=display_name,
                password=password,
                is_admin=is_admin,
                is_active=is_active,
            )
        )

    def delete_user(self, user: Union[str, User]) -> None:
        """Delete an account; needs an administrator.

        Raises:
            NotFoundError: There is no such account.
            APIStatusError: 400: it is the last administrator.
        """
        return self._runner.run(
            flows.delete_user(user if isinstance(user, str) else user.user_id)
        )
