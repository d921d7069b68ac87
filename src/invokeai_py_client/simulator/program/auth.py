"""Users and tokens of multi-user mode; in single-user mode everyone is `system`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Optional

from ..base.database import Database, Row

SYSTEM = "system"
MEDIA_COOKIE = "invokeai_media_token"
"""The cookie with which a page requests its images and videos."""

_SECRET = "jwt_secret"
_DAY = 86_400
_LISTED = 100
_SHORTEST = 8
_LAST_ADMIN = "Cannot remove the last administrator"
_SYSTEM_PROTECTED = (
    "The system user cannot be deleted, deactivated, promoted to administrator, or "
    "given a password"
)


@dataclass(frozen=True)
class User:
    """Who makes a request.

    Attributes:
        remember_me: Whether the token was issued for a week.
        token_epoch: Tokens of an older epoch are void.
    """

    user_id: str
    email: str
    is_admin: bool
    remember_me: bool = False
    token_epoch: int = 0


SYSTEM_USER = User(SYSTEM, "system@system.invokeai", is_admin=True)


class Users:
    """The accounts of one server, and the secret that signs their tokens."""

    def __init__(
        self, database: Database, *, multiuser: bool, strict_passwords: bool = False
    ) -> None:
        self.multiuser = multiuser
        self.strict_passwords = strict_passwords
        self._database = database
        if self.record(SYSTEM) is None:
            # An administrator in single-user mode only, and then by `SYSTEM_USER`.
            self._insert(SYSTEM, SYSTEM_USER.email, "System", None, is_admin=False)
        secret = database.setting(_SECRET)
        if secret is None:
            secret = secrets.token_hex(32)
            database.keep_setting(_SECRET, secret)
        self._secret = secret.encode("ascii")

    def _insert(
        self,
        user_id: str,
        email: str,
        display_name: Optional[str],
        password: Optional[str],
        *,
        is_admin: bool,
    ) -> None:
        now = _present()
        self._database.insert(
            "users",
            {
                "user_id": user_id,
                "email": email,
                "display_name": display_name,
                "password": None if password is None else _hashed(password),
                "is_admin": int(is_admin),
                "created_at": now,
                "updated_at": now,
            },
        )

    def record(self, user_id: str) -> Optional[Row]:
        """The row of a user."""
        return self._database.one("SELECT * FROM users WHERE user_id = ?", (user_id,))

    def all(self) -> list[dict[str, Any]]:
        """Every account that can log in, the newest first, as the API shows it.

        The server reads a hundred at most and leaves its own account out afterwards.
        """
        rows = self._database.all(
            "SELECT * FROM users ORDER BY created_at DESC, rowid DESC LIMIT ?",
            (_LISTED,),
        )
        return [user_dto(row) for row in rows if row["user_id"] != SYSTEM]

    def has_admin(self) -> bool:
        """Whether the server was set up."""
        return self._admins() > 0

    def _admins(self) -> int:
        admins = "is_admin AND is_active AND user_id <> ?"
        count = f"SELECT count(*) FROM users WHERE {admins}"
        return int(self._database.value(count, (SYSTEM,)))

    def _check_password(self, password: str) -> None:
        problem = weakness(password) if self.strict_passwords else None
        if not self.strict_passwords and not password:
            problem = "Password cannot be empty"
        if problem is not None:
            raise ValueError(problem)

    def _check_admin_stays(self, row: Row) -> None:
        """Raise if no other administrator would be left."""
        if row["is_admin"] and row["is_active"] and self._admins() <= 1:
            raise ValueError(_LAST_ADMIN)

    def create(
        self,
        email: str,
        password: str,
        *,
        display_name: Optional[str] = None,
        is_admin: bool = False,
    ) -> dict[str, Any]:
        """Create an account."""
        self._check_password(password)
        if self._database.value("SELECT 1 FROM users WHERE email = ?", (email,)):
            raise ValueError(f"User with email {email} already exists")
        user_id = str(uuid.uuid4())
        self._insert(user_id, email, display_name, password, is_admin=is_admin)
        return self.dto(user_id)

    def update(self, user_id: str, **changes: Any) -> dict[str, Any]:
        """Change an account; a new password voids every token issued before.

        Raises:
            LookupError: There is no such account.
            ValueError: The password is too weak, the last administrator would be gone,
                or the server's own account is meant.
        """
        row = self._existing(user_id)
        ends = changes.get("is_active") == 0
        if user_id == SYSTEM and (
            ends or changes.get("is_admin") == 1 or "password" in changes
        ):
            raise ValueError(_SYSTEM_PROTECTED)
        if user_id != SYSTEM and (ends or changes.get("is_admin") == 0):
            self._check_admin_stays(row)
        if "password" in changes:
            self._check_password(changes["password"])
            changes["password"] = _hashed(changes["password"])
            changes["token_epoch"] = row["token_epoch"] + 1
        if changes:
            self._database.update(
                "users", {**changes, "updated_at": _present()}, user_id=user_id
            )
        return self.dto(user_id)

    def dto(self, user_id: str) -> dict[str, Any]:
        """An account as the API shows it."""
        return user_dto(self._existing(user_id))

    def _existing(self, user_id: str) -> Row:
        row = self.record(user_id)
        if row is None:
            raise LookupError(user_id)
        return row

    def delete(self, user_id: str) -> None:
        """Remove an account."""
        row = self._existing(user_id)
        if user_id == SYSTEM:
            raise ValueError(_SYSTEM_PROTECTED)
        self._check_admin_stays(row)
        self._database.run("DELETE FROM users WHERE user_id = ?", (user_id,))

    def authenticate(self, email: str, password: str) -> Optional[Row]:
        """The account with this address and password; the login is recorded."""
        row = self._database.one("SELECT * FROM users WHERE email = ?", (email,))
        if row is None or row["user_id"] == SYSTEM or row["password"] is None:
            return None
        if not _matches(password, row["password"]):
            return None
        # Only this time has a zone on the real server.
        login = {"last_login_at": f"{_present()}Z"}
        self._database.update("users", login, user_id=row["user_id"])
        return self.record(row["user_id"])

    def is_served(self, user_id: str) -> bool:
        """Whether jobs of a user are run; False for disabled or deleted accounts."""
        if not self.multiuser:
            return True
        row = self.record(user_id)
        return row is not None and bool(row["is_active"])

    def issue(self, row: Row, *, remember_me: bool = False) -> tuple[str, int]:
        """A token for an account and the seconds it lasts."""
        lifetime = 7 * _DAY if remember_me else _DAY
        payload = {
            "user_id": row["user_id"],
            "email": row["email"],
            "is_admin": bool(row["is_admin"]),
            "remember_me": remember_me,
            "token_epoch": row["token_epoch"],
            "exp": int(time.time()) + lifetime,
            # Two tokens of the same second are still two tokens.
            "jti": secrets.token_hex(4),
        }
        head = _encoded({"alg": "HS256", "typ": "JWT"})
        body = f"{head}.{_encoded(payload)}"
        return f"{body}.{self._signature(body)}", lifetime

    def refresh(self, token: str) -> Optional[str]:
        """A new token in place of a request's; None if that is void."""
        user = self.holder(token)
        row = None if user is None else self.record(user.user_id)
        if user is None or row is None:
            return None
        return self.issue(row, remember_me=user.remember_me)[0]

    def holder(self, token: str) -> Optional[User]:
        """The user of a token; None if it gives no access."""
        claims = self.read_token(token)
        return None if claims is None else self.user_of(claims)

    def _signature(self, body: str) -> str:
        digest = hmac.new(self._secret, body.encode("ascii"), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")

    def read_token(self, token: str) -> Optional[dict[str, Any]]:
        """The claims of a token; None if it is forged, broken or expired."""
        try:
            head, payload, signature = token.split(".")
            expected = self._signature(f"{head}.{payload}")
            if not hmac.compare_digest(signature, expected):
                return None
            padded = payload + "=" * (-len(payload) % 4)
            claims = json.loads(base64.urlsafe_b64decode(padded))
        except (ValueError, UnicodeError):
            return None
        if not isinstance(claims, dict) or claims.get("exp", 0) <= time.time():
            return None
        return claims

    def user_of(self, claims: dict[str, Any]) -> Optional[User]:
        """The current account behind a token; None when it has no access."""
        row = self.record(str(claims.get("user_id")))
        if row is None or not row["is_active"] or row["user_id"] == SYSTEM:
            return None
        if row["token_epoch"] != claims.get("token_epoch"):
            return None
        return User(
            row["user_id"],
            row["email"],
            bool(row["is_admin"]),
            bool(claims.get("remember_me")),
            int(row["token_epoch"]),
        )


def user_dto(row: Row) -> dict[str, Any]:
    """An account as the API shows it."""
    flags = {flag: bool(row[flag]) for flag in ("is_admin", "is_active")}
    return {**{key: row[key] for key in row if key != "password"}, **flags}


def _present() -> str:
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    return now.isoformat(timespec="microseconds")


def weakness(password: str) -> Optional[str]:
    """Why a strict server refuses a password; None when it does not."""
    if len(password) < _SHORTEST:
        return f"Password must be at least {_SHORTEST} characters long"
    kinds = (str.isupper, str.islower, str.isdigit)
    if all(any(map(kind, password)) for kind in kinds):
        return None
    return "Password must contain uppercase, lowercase, and numbers"


def _encoded(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":")).encode("utf-8")
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode("ascii")


def _hashed(password: str) -> str:
    # Deliberately cheap: it protects test data only.
    salt = secrets.token_hex(8)
    return f"{salt}${_digest(salt, password)}"


def _digest(salt: str, password: str) -> str:
    # Bytes after the 72nd are ignored, as by bcrypt on the real server.
    return hashlib.sha256(salt.encode("ascii") + password.encode()[:72]).hexdigest()


def _matches(password: str, stored: str) -> bool:
    salt, digest = stored.split("$")
    return hmac.compare_digest(_digest(salt, password), digest)
