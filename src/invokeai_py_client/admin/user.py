"""`UserRepository`: accounts of a server with several users, and the client's own."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Optional, Union

from invokeai_py_client._arguments import KnownId, Name, Naming, checks_arguments
from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow, set_credentials
from invokeai_py_client._core.send import (
    call_field,
    call_model,
    changes_of,
    get,
    patch,
    post,
    request_json,
)
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import Runner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client._objects.named_records import NamedRecords
from invokeai_py_client._snapshot import Snapshot, UtcDatetime
from invokeai_py_client.exceptions import ArgumentError


@set_module("invokeai_py_client.admin")
class AuthStatus(Snapshot):
    """Whether the server has accounts, and its rules for passwords.

    Attributes:
        setup_required: True until `set_up_admin` made the first account.
        strict_password_checking: Passwords need eight characters with upper and
            lower case and a digit; otherwise any password will do.
        admin_email: Known only as long as `setup_required`.
    """

    multiuser_enabled: bool = False
    setup_required: bool = False
    strict_password_checking: bool = False
    admin_email: Optional[str] = None


@set_module("invokeai_py_client.admin")
class User(Snapshot):
    """An account.

    Attributes:
        is_active: False when it may not log in.
        token_epoch: Grows when all of its tokens became void.
    """

    _SET: ClassVar[str] = "user_repo.update_user(user, …) changes it on the server"

    user_id: str
    email: str
    display_name: Optional[str] = None
    is_admin: bool = False
    is_active: bool = True
    created_at: Optional[UtcDatetime] = None
    updated_at: Optional[UtcDatetime] = None
    last_login_at: Optional[UtcDatetime] = None
    token_epoch: int = 0


AUTH = "/api/v1/auth"
ME = f"{AUTH}/me"
PATH = f"{AUTH}/users"
USERS = NamedRecords(User, Naming("user", "user_id", "email"), PATH, PATH + "/{}")
UserLike = Annotated[Union[str, User], USERS.kind]
"""A user, or their id or e-mail address."""


def set_up_admin_flow(
    email: str, password: str, display_name: Optional[str]
) -> Flow[User]:
    """Make the first account and be it from now on."""
    body = {"email": email, "password": password, "display_name": display_name}
    request = post(f"{AUTH}/setup", json=body, anonymous=True)
    user = yield from call_field(User, request, "user")
    yield from log_in_flow(email, password, True)
    return user


def log_in_flow(email: str, password: str, remember: bool) -> Flow[User]:
    """Be this user from now on."""
    body = {"email": email, "password": password, "remember_me": remember}
    request = post(f"{AUTH}/login", json=body, anonymous=True)
    data = yield from call_model(dict[str, Any], request)
    token = parse(str, data.get("token"))
    yield from set_credentials(token, email, password)
    return parse(User, data.get("user"))


def log_out_flow() -> Flow[None]:
    """Forget the credentials."""
    yield from request_json(post(f"{AUTH}/logout"))
    # The server keeps no list of tokens: this one stays valid until it expires.
    yield from set_credentials(None, None, None)


def get_me_flow() -> Flow[User]:
    """The account the client is logged in as."""
    return (yield from call_model(User, get(ME)))


def update_me_flow(changes: dict[str, Any]) -> Flow[User]:
    """Change the client's own account."""
    user = yield from call_model(User, patch(ME, json=changes))
    if "new_password" in changes:
        # The answer brought a token that is good; a later log-in by itself needs
        # the new password.
        yield from log_in_flow(user.email, changes["new_password"], True)
    return user


def update_user_flow(user: UserLike, changes: dict[str, Any]) -> Flow[User]:
    """Change an account."""
    user_id = yield from USERS.find_id(user)
    mine = "password" in changes and (yield from get_me_flow()).user_id == user_id
    changed = yield from USERS.update(KnownId(user_id), changes)
    if mine and changed.is_active:
        # After changing the own password, later log-ins need the new one.
        yield from log_in_flow(changed.email, changes["password"], True)
    return changed


@set_module("invokeai_py_client.admin")
@checks_arguments
class UserRepository(Repository[Runner]):
    """Accounts (servers from 6.12 on, started with `multiuser: true`).

    On a server without accounts everything but `get_auth_status` raises a
    `PermissionDeniedError` or an `AuthenticationError`; on an older one an
    `UnsupportedVersionError`.
    """

    def get_auth_status(self) -> AuthStatus:
        """Ask whether the server has accounts and a first one; no log-in is needed."""
        request = get(f"{AUTH}/status", anonymous=True)
        return self._runner.run(call_model(AuthStatus, request))

    def set_up_admin(
        self, email: Name, password: Name, *, display_name: Optional[str] = None
    ) -> User:
        """Make the first account, an administrator, and log in as it.

        Raises:
            APIStatusError: 400: there is an administrator already, or the password
                is too weak; the message says which.
            PermissionDeniedError: The server has no accounts.
        """
        return self._runner.run(set_up_admin_flow(email, password, display_name))

    def log_in(self, email: Name, password: Name, *, remember: bool = True) -> User:
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
        return self._runner.run(log_in_flow(email, password, remember))

    def log_out(self) -> None:
        """Forget the credentials of the client.

        The server revokes nothing: a copied token stays valid until it
        expires, or until the password is changed.
        """
        return self._runner.run(log_out_flow())

    def get_me(self) -> User:
        """Read the account the client is logged in as.

        Raises:
            AuthenticationError: It is not logged in.
        """
        return self._runner.run(get_me_flow())

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
        if (current_password is None) != (new_password is None):
            raise ArgumentError(
                "new_password", None, "a string together with current_password"
            )
        values = {
            "display_name": display_name,
            "current_password": current_password,
            "new_password": new_password,
        }
        return self._runner.run(update_me_flow(changes_of(values)))

    def generate_password(self) -> str:
        """Get a strong random password of 16 characters, made by the server."""
        request = get(f"{AUTH}/generate-password")
        return self._runner.run(call_field(str, request, "password"))

    def list_users(self) -> list[User]:
        """List the accounts; needs an administrator."""
        return self._runner.run(USERS.list_all())

    def get_user(self, user: UserLike) -> User:
        """Read an account; needs an administrator.

        Raises:
            NotFoundError: There is no such account.
        """
        return self._runner.run(USERS.get(user))

    def create_user(
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
        return self._runner.run(call_model(User, post(PATH, json=body)))

    def update_user(
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
        return self._runner.run(update_user_flow(user, changes_of(values)))

    def delete_user(self, user: UserLike) -> None:
        """Delete an account; needs an administrator.

        Raises:
            NotFoundError: There is no such account.
            APIStatusError: 400: it is the last administrator.
        """
        return self._runner.run(USERS.delete(user))
