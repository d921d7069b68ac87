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

from .database import Database, Row

SYSTEM = "system"
_DAY = 86_400


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

    def __init__(self, database: Database, *, multiuser: bool) -> None:
        self.multiuser = multiuser
        self._database = database
        if self.record(SYSTEM) is None:
            self._insert(SYSTEM, SYSTEM_USER.email, "System", None, is_admin=True)
        secret = database.value("SELECT value FROM settings WHERE key = 'jwt_secret'")
        if secret is None:
            secret = secrets.token_hex(32)
            database.insert("settings", {"key": "jwt_secret", "value": secret})
        self._secret = str(secret).encode("ascii")

    def _insert(
        self,
        user_id: str,
        email: str,
        display_name: Optional[str],
        password: Optional[str],
        *,
        is_admin: bool,
    ) -> None:
        now = datetime.now(timezone.utc).replace(tzinfo=None).isoformat()
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
        """Every account that can log in, as the API shows it."""
        rows = self._database.all("SELECT * FROM users ORDER BY created_at")
        return [user_dto(row) for row in rows]

    def has_admin(self) -> bool:
        """Whether the server was set up."""
        count = self._database.value(
            "SELECT count(*) FROM users WHERE is_admin AND is_active AND user_id <> ?",
            (SYSTEM,),
        )
        return bool(count)

    def create(
        self,
        email: str,
        password: str,
        *,
        display_name: Optional[str] = None,
        is_admin: bool = False,
    ) -> dict[str, Any]:
        """Make an account.

        Raises:
            ValueError: The address is taken.
        """
        if self._database.value("SELECT 1 FROM users WHERE email = ?", (email,)):
            raise ValueError(f"User with email {email} already exists")
        user_id = str(uuid.uuid4())
        self._insert(user_id, email, display_name, password, is_admin=is_admin)
        record = self.record(user_id)
        assert record is not None
        return user_dto(record)

    def update(self, user_id: str, **changes: Any) -> dict[str, Any]:
        """Change an account; a new password voids every token issued before.

        Raises:
            LookupError: There is no such account.
        """
        if self.record(user_id) is None:
            raise LookupError(user_id)
        password = changes.pop("password", None)
        if password is not None:
            changes["password"] = _hashed(password)
            self._database.run(
                "UPDATE users SET token_epoch = token_epoch + 1 WHERE user_id = ?",
                (user_id,),
            )
        for key, value in changes.items():
            self._database.run(
                f"UPDATE users SET {key} = ? WHERE user_id = ?", (value, user_id)
            )
        record = self.record(user_id)
        assert record is not None
        return user_dto(record)

    def delete(self, user_id: str) -> bool:
        """Remove an account; False when there was none."""
        return self._database.run("DELETE FROM users WHERE user_id = ?", (user_id,)) > 0

    def authenticate(self, email: str, password: str) -> Optional[Row]:
        """The account with this address and password."""
        row = self._database.one("SELECT * FROM users WHERE email = ?", (email,))
        if row is None or row["password"] is None:
            return None
        return row if _matches(password, row["password"]) else None

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

    def refresh(self, user: User) -> Optional[str]:
        """A fresh token for a request's user."""
        row = self.record(user.user_id)
        if row is None:
            return None
        return self.issue(row, remember_me=user.remember_me)[0]

    def _signature(self, body: str) -> str:
        digest = hmac.new(self._secret, body.encode("ascii"), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")

    def read_token(self, token: str) -> Optional[dict[str, Any]]:
        """What a token says; None when it is forged, broken or expired."""
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
        """The account behind a token, as it stands now; None when it has no access."""
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
    return {
        "user_id": row["user_id"],
        "email": row["email"],
        "display_name": row["display_name"],
        "is_admin": bool(row["is_admin"]),
        "is_active": bool(row["is_active"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "last_login_at": row["last_login_at"],
    }


def _encoded(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":")).encode("utf-8")
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode("ascii")


def _hashed(password: str) -> str:
    # Cheap on purpose: nothing here guards anything but a test.
    salt = secrets.token_hex(8)
    return f"{salt}${hashlib.sha256((salt + password).encode('utf-8')).hexdigest()}"


def _matches(password: str, stored: str) -> bool:
    salt, digest = stored.split("$")
    ours = hashlib.sha256((salt + password).encode("utf-8")).hexdigest()
    return hmac.compare_digest(ours, digest)
