"""Accounts and tokens of multi-user mode."""

from __future__ import annotations

import re
import secrets
import string
import time
from email.utils import formatdate
from typing import Annotated, Any, Optional

from pydantic import AfterValidator, BaseModel
from pydantic_core import PydanticCustomError

from ..base.errors import ApiError
from ..http.wire import ApiRequest, Reply, json_reply, route
from ..program.auth import MEDIA_COOKIE, user_dto, weakness

_A = "/api/v1/auth"

_PASSWORD_SIGNS = string.ascii_letters + string.digits + string.punctuation
_PASSWORD_LENGTH = 16


def _checked_email(address: str) -> str:
    # Checks far less than the real server. Like it, stores the domain in lower case.
    local, _, domain = address.partition("@")
    if not re.fullmatch(r"[^\s@]+@[^\s@.]+(\.[^\s@.]+)+", address):
        reason = "" if "@" in address else ": An email address must have an @-sign."
        raise PydanticCustomError("value_error", f"Invalid email address{reason}")
    return f"{local}@{domain.lower()}"


_Email = Annotated[str, AfterValidator(_checked_email)]


class _Login(BaseModel):
    email: _Email
    password: str
    remember_me: bool = False


class _Setup(BaseModel):
    email: _Email
    display_name: Optional[str] = None
    password: str


class _NewUser(_Setup):
    is_admin: bool = False


class _UserChanges(BaseModel):
    display_name: Optional[str] = None
    password: Optional[str] = None
    is_admin: Optional[bool] = None
    is_active: Optional[bool] = None


class _OwnChanges(BaseModel):
    display_name: Optional[str] = None
    current_password: Optional[str] = None
    new_password: Optional[str] = None


def _demand_multiuser(request: ApiRequest, what: str) -> None:
    if not request.simulation.users.multiuser:
        raise ApiError(
            403,
            f"Multiuser mode is disabled. {what} is not required in single-user mode.",
        )


@route("GET", f"{_A}/status", "public")
def _status(request: ApiRequest) -> Any:
    users = request.simulation.users
    return {
        "setup_required": users.multiuser and not users.has_admin(),
        "multiuser_enabled": users.multiuser,
        "strict_password_checking": users.strict_passwords,
        "admin_email": None,
    }


@route("POST", f"{_A}/login", "public")
def _login(request: ApiRequest) -> Any:
    login = request.read(_Login)
    _demand_multiuser(request, "Authentication")
    row = request.simulation.users.authenticate(login.email, login.password)
    if row is None:
        raise ApiError(
            401, "Incorrect email or password", {"WWW-Authenticate": "Bearer"}
        )
    if not row["is_active"]:
        raise ApiError(403, "User account is disabled")
    token, lifetime = request.simulation.users.issue(row, remember_me=login.remember_me)
    request.reply_headers["set-cookie"] = _cookie(token, lifetime)
    return {"token": token, "user": user_dto(row), "expires_in": lifetime}


def _cookie(token: str, lifetime: int) -> str:
    kept = f"{MEDIA_COOKIE}={token}; HttpOnly; Max-Age={lifetime}"
    return f"{kept}; Path=/api/v1; SameSite=lax"


@route("POST", f"{_A}/media-cookie")
def _media_cookie(request: ApiRequest) -> Any:
    claims = request.simulation.users.read_token(request.token or "")
    if claims is not None:
        lifetime = int(claims["exp"] - time.time())
        request.reply_headers["set-cookie"] = _cookie(request.token or "", lifetime)
    return {"success": True}


@route("POST", f"{_A}/setup", "public")
def _setup(request: ApiRequest) -> Any:
    setup = request.read(_Setup)
    _demand_multiuser(request, "Admin setup")
    if request.simulation.users.has_admin():
        raise ApiError(400, "Administrator account already configured")
    user = _create(request, setup, is_admin=True)
    return {"success": True, "user": user}


def _create(request: ApiRequest, wanted: _Setup, *, is_admin: bool) -> dict[str, Any]:
    try:
        return request.simulation.users.create(
            wanted.email,
            wanted.password,
            display_name=wanted.display_name,
            is_admin=is_admin,
        )
    except ValueError as error:
        raise ApiError(400, str(error)) from error


@route("POST", f"{_A}/logout", "account")
def _logout(_call: ApiRequest) -> Any:
    # Tokens remain valid until they expire: the server keeps no list of them.
    gone = f'{MEDIA_COOKIE}=""; expires={formatdate(usegmt=True)}; Max-Age=0'
    cookie = f"{gone}; Path=/api/v1; SameSite=lax"
    return json_reply({"success": True}, headers={"set-cookie": cookie})


@route("GET", f"{_A}/me", "account")
def _me(request: ApiRequest) -> Any:
    return request.simulation.users.dto(request.user.user_id)


@route("PATCH", f"{_A}/me", "account")
def _update_me(request: ApiRequest) -> Any:
    changes = request.read(_OwnChanges)
    users, user_id = request.simulation.users, request.user.user_id
    wanted: dict[str, Any] = {}
    if changes.display_name is not None:
        wanted["display_name"] = changes.display_name
    if changes.new_password is not None:
        wanted["password"] = changes.new_password
        if not changes.current_password:
            raise ApiError(400, "Current password is required to set a new password")
        if users.authenticate(request.user.email, changes.current_password) is None:
            raise ApiError(400, "Current password is incorrect")
    try:
        user = users.update(user_id, **wanted)
    except ValueError as error:
        raise ApiError(400, str(error)) from error
    if changes.new_password is not None:
        _announce(request, user)
        _renew(request, user)
    return user


def _renew(request: ApiRequest, user: dict[str, Any]) -> None:
    """Give the caller a new token in place of the void one."""
    token, lifetime = request.simulation.users.issue(
        user, remember_me=request.user.remember_me
    )
    request.reply_headers["X-Refreshed-Token"] = token
    request.reply_headers["set-cookie"] = _cookie(token, lifetime)


def _announce(request: ApiRequest, user: dict[str, Any]) -> None:
    """Tell the sockets and the worker what an account may do now."""
    rights = ("user_id", "is_admin", "is_active", "token_epoch")
    request.simulation.emit("user_access_changed", {key: user[key] for key in rights})


@route("GET", f"{_A}/users", "account_admin")
def _users(request: ApiRequest) -> Any:
    return request.simulation.users.all()


@route("POST", f"{_A}/users", "account_admin")
def _create_user(request: ApiRequest) -> Any:
    wanted = request.read(_NewUser)
    return json_reply(_create(request, wanted, is_admin=wanted.is_admin), 201)


@route("GET", f"{_A}/generate-password", "account")
def _generate_password(_call: ApiRequest) -> Any:
    while True:
        signs = [secrets.choice(_PASSWORD_SIGNS) for _ in range(_PASSWORD_LENGTH)]
        password = "".join(signs)
        if weakness(password) is None:
            return {"password": password}


@route("GET", f"{_A}/users/{{user_id}}", "account_admin")
def _existing(request: ApiRequest) -> dict[str, Any]:
    try:
        return request.simulation.users.dto(request.params["user_id"])
    except LookupError:
        raise ApiError(404, "User not found") from None


@route("PATCH", f"{_A}/users/{{user_id}}", "account_admin")
def _update_user(request: ApiRequest) -> Any:
    changes = request.read(_UserChanges).model_dump(exclude_none=True)
    for flag in ("is_admin", "is_active"):
        if flag in changes:
            changes[flag] = int(changes[flag])
    before = _existing(request)
    try:
        user = request.simulation.users.update(before["user_id"], **changes)
    except ValueError as error:
        raise ApiError(400, str(error)) from error
    if any(
        before[key] != user[key] for key in ("is_admin", "is_active", "token_epoch")
    ):
        _announce(request, user)
    own = user["user_id"] == request.user.user_id
    if "password" in changes and own and user["is_active"]:
        _renew(request, user)
    return user


@route("DELETE", f"{_A}/users/{{user_id}}", "account_admin")
def _delete_user(request: ApiRequest) -> Any:
    user = _existing(request)
    try:
        request.simulation.users.delete(user["user_id"])
    except ValueError as error:
        raise ApiError(400, str(error)) from error
    _announce(request, {**user, "is_admin": False, "is_active": False})
    return Reply(status=204)
