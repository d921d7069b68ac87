"""Which uploads of videos are let in: not too large, not too many at once.

A real server decides this from the head of a request, before anything of the body is
read, and closes the connection with a refusal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Optional

from .auth import Users
from .wire import ApiError

UPLOAD_PATH = "/api/v1/videos/upload"
_LARGEST_REQUEST = 1024**3 + 10 * 1024**2
_AT_ONCE = 2
_AT_ONCE_PER_USER = 1


class VideoIngress:
    """The door for uploads of videos; belongs to the event loop."""

    def __init__(self, users: Users) -> None:
        self._users = users
        self._active: Counter[Optional[str]] = Counter()

    @contextmanager
    def admitted(
        self, headers: Mapping[str, str], token: Optional[str]
    ) -> Iterator[None]:
        """Hold a place for an upload.

        Args:
            headers: Those of the request.
            token: The token it bears.

        Raises:
            ApiError: Nobody is logged in, it is too large, or there is no place.
        """
        user_id = self._identify(token)
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > _LARGEST_REQUEST:
            raise ApiError(
                413,
                f"Video upload exceeds maximum request size ({_LARGEST_REQUEST} bytes)",
            )
        if sum(self._active.values()) >= _AT_ONCE:
            raise _busy("")
        if user_id is not None and self._active[user_id] >= _AT_ONCE_PER_USER:
            raise _busy(" for this user")
        self._active[user_id] += 1
        try:
            yield
        finally:
            self._active[user_id] -= 1

    def _identify(self, token: Optional[str]) -> Optional[str]:
        """Who uploads; None in single-user mode."""
        if not self._users.multiuser:
            return None
        user = self._users.holder(token) if token else None
        if user is None:
            raise ApiError(
                401, "Authentication required", {"WWW-Authenticate": "Bearer"}
            )
        return user.user_id


def _busy(whose: str) -> ApiError:
    return ApiError(
        429,
        f"Too many concurrent video uploads{whose}; try again shortly",
        {"Retry-After": "5"},
    )
