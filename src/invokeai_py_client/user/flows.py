"""Accounts, and who the client is to the server, as flows."""

from __future__ import annotations

from typing import Any, Optional

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow, identify
from invokeai_py_client._core.send import (
    call,
    call_model,
    changes_of,
    delete,
    get,
    patch,
    post,
    route,
)
from invokeai_py_client.user.models import AuthStatus, User

AUTH = "/api/v1/auth"
ME = f"{AUTH}/me"
USERS = f"{AUTH}/users"
USER = USERS + "/{}"


def get_status() -> Flow[AuthStatus]:
    """Whether the server has accounts; everybody may ask."""
    return (yield from call_model(AuthStatus, get(f"{AUTH}/status", anonymous=True)))


def set_up_admin(email: str, password: str, display_name: Optional[str]) -> Flow[User]:
    """Make the first account and be it from now on."""
    body = {"email": email, "password": password, "display_name": display_name}
    request = post(f"{AUTH}/setup", json=body, anonymous=True)
    data = parse(dict[str, Any], (yield from call(request)))
    user = parse(User, data.get("user"))
    yield from log_in(email, password, True)
    return user


def log_in(email: str, password: str, remember: bool) -> Flow[User]:
    """Be this user from now on."""
    body = {"email": email, "password": password, "remember_me": remember}
    request = post(f"{AUTH}/login", json=body, anonymous=True)
    data = parse(dict[str, Any], (yield from call(request)))
    token = parse(str, data.get("token"))
    yield from identify(token, email, password)
    return parse(User, data.get("user"))


def log_out() -> Flow[None]:
    """Be nobody from now on."""
    yield from call(post(f"{AUTH}/logout"))
    # The server keeps no list of tokens: ours stays good until it expires.
    yield from identify(None, None, None)


def get_me() -> Flow[User]:
    """The account the client is logged in as."""
    return (yield from call_model(User, get(ME)))


def update_me(
    display_name: Optional[str],
    current_password: Optional[str],
    new_password: Optional[str],
) -> Flow[User]:
    """Change the client's own account."""
    if (current_password is None) != (new_password is None):
        raise ValueError("current_password= and new_password= go together")
    values = {
        "display_name": display_name,
        "current_password": current_password,
        "new_password": new_password,
    }
    changes = changes_of("update_me", values)
    user = yield from call_model(User, patch(ME, json=changes))
    if new_password is not None:
        # The answer brought a token that is good; a later log-in by itself needs
        # the new password.
        yield from log_in(user.email, new_password, True)
    return user


def generate_password() -> Flow[str]:
    """A strong password of the server's making."""
    data = yield from call(get(f"{AUTH}/generate-password"))
    return parse(str, parse(dict[str, Any], data).get("password"))


def list_users() -> Flow[list[User]]:
    """All accounts."""
    return (yield from call_model(list[User], get(USERS)))


def get_user(user_id: str) -> Flow[User]:
    """One account."""
    return (yield from call_model(User, get(route(USER, user_id))))


def create_user(
    email: str, password: str, display_name: Optional[str], is_admin: bool
) -> Flow[User]:
    """Make an account."""
    body = {
        "email": email,
        "password": password,
        "display_name": display_name,
        "is_admin": is_admin,
    }
    return (yield from call_model(User, post(USERS, json=body)))


def update_user(
    user_id: str,
    *,
    display_name: Optional[str] = None,
    password: Optional[str] = None,
    is_admin: Optional[bool] = None,
    is_active: Optional[bool] = None,
) -> Flow[User]:
    """Change an account; what is None stays."""
    values = {
        "display_name": display_name,
        "password": password,
        "is_admin": is_admin,
        "is_active": is_active,
    }
    changes = changes_of("update_user", values)
    mine = password is not None and (yield from get_me()).user_id == user_id
    user = yield from call_model(User, patch(route(USER, user_id), json=changes))
    if mine and password is not None and user.is_active:
        # Whoever changes their own password has to log in with the new one later.
        yield from log_in(user.email, password, True)
    return user


def delete_user(user_id: str) -> Flow[None]:
    """Delete an account."""
    # The answer has no content, which the server fails to compress.
    yield from call(delete(route(USER, user_id), identity=True))
