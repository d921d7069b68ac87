"""Which addresses an account may have, in the words of the real server.

The server leaves the check to the package `email-validator`. What is here are the rules
of it that people run into; addresses outside ASCII are taken as they are.
"""

from __future__ import annotations

import re

from pydantic_core import PydanticCustomError

# Domains that no mail reaches; the server takes them nevertheless, with less checking.
_SPECIAL = ("arpa", "invalid", "local", "localhost", "onion", "test")
# Not as a range up to the last character: those take milliseconds to compile.
_LOCAL = re.compile(r"[A-Za-z0-9_!#$%&'*+\-/=?^`{|}~.]|[^\x00-\x7f]")
_DOMAIN = re.compile(r"[A-Za-z0-9\-.]|[^\x00-\x7f]")
_LABEL_LIMIT = 63


def checked_email(address: str) -> str:
    """The address as the server stores it: with a domain in small letters.

    Raises:
        PydanticCustomError: It is none.
    """
    local, domain = _parts(address)
    _check_characters(local, domain)
    _check_periods(local, domain)
    lowered = domain.lower()
    if lowered.split(".")[-1] in _SPECIAL:
        return f"{local}@{domain}".strip().lower()
    if "." not in domain:
        raise PydanticCustomError(
            "value_error", "Email domain must contain a dot or be 'localhost'"
        )
    if not re.search(r"[^\W\d]\Z", lowered):
        raise _refusal(
            "The part after the @-sign is not valid. "
            "It is not within a valid top-level domain."
        )
    return f"{local}@{lowered}"


def _refusal(reason: str) -> PydanticCustomError:
    return PydanticCustomError("value_error", f"Invalid email address: {reason}")


def _parts(address: str) -> tuple[str, str]:
    if address.endswith(">") and "<" in address:
        raise _refusal(
            "A display name and angle brackets around the email address are not "
            "permitted here."
        )
    local, at, domain = address.partition("@")
    if not at:
        raise _refusal("An email address must have an @-sign.")
    if not local:
        raise _refusal("There must be something before the @-sign.")
    if not domain:
        raise _refusal("There must be something after the @-sign.")
    return local, domain


def _check_characters(local: str, domain: str) -> None:
    strange = _strange(local, _LOCAL)
    if strange:
        raise _refusal(
            "The email address contains invalid characters before the @-sign: "
            f"{strange}."
        )
    if domain.startswith("[") and domain.endswith("]"):
        raise _refusal("A bracketed IP address after the @-sign is not allowed here.")
    strange = _strange(domain, _DOMAIN)
    if strange:
        raise _refusal(
            f"The part after the @-sign contains invalid characters: {strange}."
        )


def _strange(text: str, allowed: re.Pattern[str]) -> str:
    found = sorted({sign for sign in text if not allowed.match(sign)})
    return ", ".join("SPACE" if sign == " " else repr(sign) for sign in found)


def _check_periods(local: str, domain: str) -> None:
    if local.startswith("."):
        raise _refusal("An email address cannot start with a period.")
    if local.endswith("."):
        raise _refusal(
            "An email address cannot have a period immediately before the @-sign."
        )
    if ".." in local or ".." in domain:
        raise _refusal("An email address cannot have two periods in a row.")
    for sign, name in ((".", "period"), ("-", "hyphen")):
        if domain.startswith(sign):
            raise _refusal(
                f"An email address cannot have a {name} immediately after the @-sign."
            )
        if domain.endswith(sign):
            raise _refusal(f"An email address cannot end with a {name}.")
    for label in domain.split("."):
        extra = len(label) - _LABEL_LIMIT
        if extra > 0:
            many = "character" if extra == 1 else "characters"
            raise _refusal(
                "After the @-sign, periods cannot be separated by so many characters "
                f"({extra} {many} too many)."
            )
