"""What can be named to be installed, and what cannot be had."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any, Optional
from urllib.parse import urlsplit

from pydantic import AnyHttpUrl, TypeAdapter

Fields = dict[str, Any]

_REPOSITORY = re.compile(r"[^/:]+/[^/:]+(:.*)?")
_HUGGING_FACE = re.compile(r"https?://huggingface\.co/[^/]+/[^/]+", re.IGNORECASE)
_REFUSED = '<>:"|?*'


class InstallError(Exception):
    """What ends an installation.

    Attributes:
        kind: The server's class of errors, as the API tells it.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class NoInternetError(OSError):
    """A HuggingFace repository cannot be looked up."""


class UnknownSourceError(ValueError):
    """The source is no path here and nothing that could be fetched."""


def is_plain_name(name: str) -> bool:
    """Whether a name can be that of a file anywhere."""
    if not name or any(c in _REFUSED or not c.isprintable() for c in name):
        return False
    return name.strip(" .") != "" and PureWindowsPath(name).name == name


def read_source(
    source: str, *, inplace: bool, token: Optional[str]
) -> tuple[Fields, Optional[Path]]:
    """A source as the API shows it, with its path when it is of this machine.

    Raises:
        UnknownSourceError: It is no path and no address.
        NoInternetError: It is a repository, which would have to be looked up.
    """
    bare = source.strip('"')
    if bare.startswith("external://"):
        provider, _, model = bare[len("external://") :].partition("/")
        if not provider or not model:
            raise UnknownSourceError(f"Invalid external model source: '{bare}'")
        return {
            "provider_id": provider,
            "provider_model_id": model,
            "type": "external",
        }, None
    path = Path(bare)
    if path.exists():
        return {"path": str(path), "inplace": inplace, "type": "local"}, path
    if _REPOSITORY.fullmatch(source) or _HUGGING_FACE.fullmatch(source):
        raise NoInternetError(source)
    if re.match(r"https?://[^/]+", source):
        url = str(TypeAdapter(AnyHttpUrl).validate_python(source))
        return {"url": url, "access_token": token, "type": "url"}, None
    raise UnknownSourceError(f"Unsupported model source: '{source}'")


def text_of(source: Mapping[str, Any]) -> str:
    """A source as one text, as records and comparisons have it."""
    if source["type"] == "external":
        return f"external://{source['provider_id']}/{source['provider_model_id']}"
    return source["url"] if source["type"] == "url" else Path(source["path"]).as_posix()


def refuse_download(url: str) -> None:
    """Fail as a download does without internet.

    Raises:
        InstallError: Always.
    """
    host = urlsplit(url).hostname or ""
    try:
        public = ipaddress.ip_address(host).is_global
    except ValueError:
        public = host != "localhost"
    if not public:
        raise InstallError(
            "UnsafeDownloadURLException",
            f"Refusing to download from '{host}': it resolves to a non-public address. "
            "Set `allow_private_download_urls` in invokeai.yaml to permit downloads "
            "from loopback and private-network addresses.",
        )
    raise InstallError("ConnectionError", f"Failed to resolve '{host}'")
