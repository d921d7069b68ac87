"""Accounts and tokens of multi-user mode."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Optional

from pydantic import AfterValidator, BaseModel

from .auth import user_dto
from .wire import ApiError, Call, json_reply, route

_A = "/api/v1/auth"
_COOKIE = "invokeai_media_token"


def _address(value: str) -> str:
    name, at, domain = value.strip().partition("@")
    if not (name and at and domain) or "@" in domain:
        raise ValueError("Invalid email address")
    return value.strip().lower()


_Email = Annotated[str, AfterValidator(_address)]


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


def _demand_multiuser(call: Call, what: str) -> None:
    if not call.simulation.users.multiuser:
        raise ApiError(
            403,
            f"Multiuser mode is disabled. {what} is not required in single-user mode.",
        )


@route("GET", f"{_A}/status", "public")
def _status(call: Call) -> Any:
    users = call.simulation.users
    return {
        "setup_required": users.multiuser and not users.has_admin(),
        "multiuser_enabled": users.multiuser,
        "strict_password_checking": False,
        "admin_email": None,
    }


@route("POST", f"{_A}/login", "public")
def _login(call: Call) -> Any:
    login = call.read(_Login)
    _demand_multiuser(call, "Authentication")
    row = call.simulation.users.authenticate(login.email, login.password)
    if row is None:
        raise ApiError(
            401, "Incorrect email or password", {"WWW-Authenticate": "Bearer"}
        )
    if not row["is_active"]:
        raise ApiError(403, "User account is disabled")
    token, lifetime = call.simulation.users.issue(row, remember_me=login.remember_me)
    cookie = (
        f"{_COOKIE}={token}; HttpOnly; Max-Age={lifetime}; Path=/api/v1; SameSite=lax"
    )
    return json_reply(
        {"token": token, "user": user_dto(row), "expires_in": lifetime},
        headers={"set-cookie": cookie},
    )


@route("POST", f"{_A}/setup", "public")
def _setup(call: Call) -> Any:
    setup = call.read(_Setup)
    _demand_multiuser(call, "Admin setup")
    if call.simulation.users.has_admin():
        raise ApiError(400, "Administrator account already configured")
    user = _create(call, setup, is_admin=True)
    return {"success": True, "user": user}


def _create(call: Call, wanted: _Setup, *, is_admin: bool) -> dict[str, Any]:
    try:
        return call.simulation.users.create(
            wanted.email,
            wanted.password,
            display_name=wanted.display_name,
            is_admin=is_admin,
        )
    except ValueError as error:
        raise ApiError(400, str(error)) from error


@route("POST", f"{_A}/logout", "account")
def _logout(_call: Call) -> Any:
    # Tokens stay good until they expire: the server keeps no list of them.
    cookie = f'{_COOKIE}=""; Max-Age=0; Path=/api/v1; SameSite=lax'
    return json_reply({"success": True}, headers={"set-cookie": cookie})


@route("GET", f"{_A}/me", "account")
def _me(call: Call) -> Any:
    row = call.simulation.users.record(call.user.user_id)
    assert row is not None
    return user_dto(row)


@route("PATCH", f"{_A}/me", "account")
def _update_me(call: Call) -> Any:
    changes = call.read(_OwnChanges)
    users = call.simulation.users
    if changes.display_name is not None:
        users.update(call.user.user_id, display_name=changes.display_name)
    if changes.new_password is not None:
        given = changes.current_password or ""
        if users.authenticate(call.user.email, given) is None:
            raise ApiError(400, "Current password is incorrect")
        users.update(call.user.user_id, password=changes.new_password)
        _revoke(call, call.user.user_id)
        row = users.record(call.user.user_id)
        assert row is not None
        token, _ = users.issue(row, remember_me=call.user.remember_me)
        call.reply_headers["X-Refreshed-Token"] = token
    return _me(call)


def _revoke(call: Call, user_id: str) -> None:
    """Close the sockets of a user whose tokens are void."""
    call.simulation.emit("user_access_changed", {"user_id": user_id})


@route("GET", f"{_A}/users", "account_admin")
def _users(call: Call) -> Any:
    return call.simulation.users.all()


@route("POST", f"{_A}/users", "account_admin")
def _create_user(call: Call) -> Any:
    wanted = call.read(_NewUser)
    return json_reply(_create(call, wanted, is_admin=wanted.is_admin), 201)


@route("GET", f"{_A}/generate-password", "account")
def _generate_password(_call: Call) -> Any:
    return {"password": secrets.token_urlsafe(12)}


@route("GET", f"{_A}/users/{{user_id}}", "account_admin")
def _user(call: Call) -> Any:
    row = call.simulation.users.record(call.params["user_id"])
    if row is None:
        raise ApiError(404, "User not found")
    return user_dto(row)


@route("PATCH", f"{_A}/users/{{user_id}}", "account_admin")
def _update_user(call: Call) -> Any:
    user_id = call.params["user_id"]
    changes = call.read(_UserChanges).model_dump(exclude_none=True)
    for flag in ("is_admin", "is_active"):
        if flag in changes:
            changes[flag] = int(changes[flag])
    try:
        user = call.simulation.users.update(user_id, **changes)
    except LookupError:
        raise ApiError(404, "User not found") from None
    if "password" in changes or changes.get("is_active") == 0:
        _revoke(call, user_id)
    return user


@route("DELETE", f"{_A}/users/{{user_id}}", "account_admin")
def _delete_user(call: Call) -> Any:
    if not call.simulation.users.delete(call.params["user_id"]):
        raise ApiError(404, "User not found")
    _revoke(call, call.params["user_id"])
    return json_reply(None)
