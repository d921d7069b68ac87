"""The credentials of a client, shared by HTTP and the socket, and what hides them."""

from __future__ import annotations

import binascii
import json
import re
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Optional
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "…"

# More than any process uses at a time; a server may send a new token with each answer.
_REMEMBERED = 64
# What is shorter is hidden only where it is alone.
_DISTINCT = 8
_DEEPEST = 8

_SECRET_NAME = re.compile(r"passw|passphrase|token|secret|api_?key", re.IGNORECASE)
_SECRET_HEADER = re.compile(r"pass|token|secret|cookie|auth|key|session", re.IGNORECASE)
_URL_CREDENTIALS = re.compile(r"(?<=://)[^/?#\s\"'<>@]*@")


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
        self._secrets: dict[str, None] = {}
        self._pattern: Optional[re.Pattern[str]] = None
        self._lock = threading.Lock()
        self.change(token, email, password)

    def __repr__(self) -> str:
        return "Credentials(…)"

    def __reduce__(self) -> str:
        # Pickling would write the secrets down.
        raise TypeError(
            "what is connected to a server can be neither copied deeply nor pickled: "
            "it holds credentials"
        )

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
        """Use other credentials, or none."""
        self.hide(token, password)
        with self._lock:
            self._token: Optional[str] = token
            self.email, self.password = email, password

    def replace_token(self, stale: Optional[str], fresh: str) -> None:
        """Put `fresh` in the place of `stale`; a token set meanwhile stays.

        A token that no header could carry is ignored: the old one stays too.
        """
        self.hide(fresh)
        usable = bool(fresh) and fresh.isascii() and fresh.isprintable()
        with self._lock:
            if usable and self._token == stale:
                self._token = fresh

    def hide(self, *secrets: Optional[str]) -> None:
        """Let no error show these from now on."""
        with self._lock:
            for secret in secrets:
                if secret and secret not in self._secrets:
                    self._secrets[secret] = None
                    self._pattern = None
            while len(self._secrets) > _REMEMBERED:
                del self._secrets[next(iter(self._secrets))]

    def hide_values(self, values: Any) -> None:
        """Hide the values of a request that are secret by their names."""
        for name, value in values.items() if isinstance(values, Mapping) else ():
            if isinstance(value, str) and _SECRET_NAME.search(str(name)):
                self.hide(value)

    def hide_headers(self, headers: Mapping[str, str]) -> None:
        """Hide the values of headers that are secret by their names."""
        for name, value in headers.items():
            if _SECRET_HEADER.search(name):
                self.hide(value, *_parts_of_header(value))

    def hide_proxy(self, url: Optional[str]) -> None:
        """Hide the password of a proxy's URL, also as it is sent."""
        parts = urlsplit(url or "")
        if parts.password:
            user, password = unquote(parts.username or ""), unquote(parts.password)
            pair = b64encode(f"{user}:{password}".encode()).decode()
            self.hide(parts.password, password, pair)

    def scrub(self, value: Any, depth: int = 0) -> Any:
        """`value`, a string or plain data, without anything secret in it."""
        if isinstance(value, str):
            hidden = _URL_CREDENTIALS.sub(f"{HIDDEN}@", value)
            return self._secret_pattern().sub(HIDDEN, hidden)
        if depth < _DEEPEST and type(value) in (list, tuple):
            return type(value)(self.scrub(item, depth + 1) for item in value)
        if depth < _DEEPEST and type(value) is dict:
            return {
                self.scrub(key, depth + 1): self.scrub(item, depth + 1)
                for key, item in value.items()
            }
        return value

    def scrub_error(self, error: BaseException) -> None:
        """Take everything secret out of an error and out of its causes."""
        link: Optional[BaseException] = error
        seen: set[int] = set()
        while link is not None and id(link) not in seen:
            seen.add(id(link))
            link.args = self.scrub(link.args)
            for name, value in list(vars(link).items()):
                vars(link)[name] = self.scrub(value)
            link = link.__cause__ or link.__context__

    def _secret_pattern(self) -> re.Pattern[str]:
        with self._lock:
            if self._pattern is None:
                forms = {form for item in self._secrets for form in _forms(item)}
                longest_first = sorted(forms, key=len, reverse=True)
                parts = [_as_pattern(form) for form in longest_first]
                # What never matches, where there is nothing to hide.
                self._pattern = re.compile("|".join(parts) or r"(?!)")
            return self._pattern


def _forms(secret: str) -> Iterator[str]:
    """How a secret looks when it is sent back: as it is, in JSON, in an address."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield quote(secret, safe="", errors="surrogatepass")
    yield repr(secret)[1:-1]


def _as_pattern(text: str) -> str:
    pattern = re.escape(text)
    return pattern if len(text) >= _DISTINCT else rf"(?<!\w){pattern}(?!\w)"


def _parts_of_header(value: str) -> Iterator[str]:
    """What is secret in ``Basic …`` and the like, as it is and decoded."""
    scheme, _, rest = value.partition(" ")
    if not rest:
        return
    yield rest
    if scheme.lower() == "basic":
        try:
            pair = b64decode(rest).decode()
        except (binascii.Error, ValueError):
            return
        yield pair
        yield pair.partition(":")[2]
