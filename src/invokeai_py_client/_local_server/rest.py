"""The few loopback requests that running a server needs: JSON in, JSON out."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, Optional

from invokeai_py_client.exceptions import LocalServerError

# A proxy from the environment must not see loopback requests.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def ask(
    method: str,
    url: str,
    body: Any = None,
    *,
    token: Optional[str] = None,
    timeout: float = 30.0,
) -> Any:
    """Send a JSON request and return the decoded answer; `timeout` is in seconds.

    Raises:
        LocalServerError: No answer, an error status, or an answer that is not JSON.
    """
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    content = None
    if body is not None:
        content = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, content, headers, method=method)
    where = f"{method} {url.split('?')[0]}"
    try:
        with _open(request, timeout=timeout) as reply:
            return json.loads(reply.read())
    except urllib.error.HTTPError as error:
        words = error.read(500).decode("utf-8", "replace")
        raise LocalServerError(f"{where}: status {error.code}: {words}") from error
    except OSError as error:
        raise LocalServerError(f"{where}: {error}") from error
    except ValueError as error:
        raise LocalServerError(f"{where}: the answer is not JSON") from error
