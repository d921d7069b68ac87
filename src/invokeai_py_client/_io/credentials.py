"""Who the client is to the server; shared by HTTP and the socket, never shown."""

from __future__ import annotations

import threading
from typing import Optional

__all__ = ["Credentials"]


class Credentials:
    """A token, or what it takes to get one; safe to use from several threads.

    Attributes:
        email: The user's e-mail address; None when only a token is known.
        password: The user's password; None when only a token is known.
    """

    def __init__(
        self,
        token: Optional[str] = None,
        email: Optional[str] = None,
        password: Optional[str] = None,
    ) -> None:
        self.email = email
        self.password = password
        self._token = token
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "Credentials(…)"

    def __reduce__(self) -> str:
        # Pickling would write the secrets down.
        raise TypeError("credentials cannot be pickled")

    def renew(self) -> None:
        """Forget who held the lock in another process."""
        self._lock = threading.Lock()

    @property
    def token(self) -> Optional[str]:
        """The token to send now; None when there is none (yet)."""
        with self._lock:
            return self._token

    @property
    def needs_log_in(self) -> bool:
        """True when a first token has to be asked for."""
        known = self.email is not None and self.password is not None
        return known and self.token is None

    def change(
        self, token: Optional[str], email: Optional[str], password: Optional[str]
    ) -> None:
        """Be somebody else, or nobody."""
        with self._lock:
            self._token, self.email, self.password = token, email, password

    def replace_token(self, stale: Optional[str], fresh: str) -> None:
        """Put `fresh` in the place of `stale`; a token set meanwhile stays.

        A token that no header could carry is no token: the old one stays too.
        """
        usable = bool(fresh) and fresh.isascii() and fresh.isprintable()
        with self._lock:
            if usable and self._token == stale:
                self._token = fresh
