"""What can be done with the client state, as flows."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import RetryRule
from invokeai_py_client._core.send import call, call_model, get, post

# The server takes a queue's name here and ignores it: the state is the user's.
STATE = "/api/v1/client_state/default"


def get_value(key: str) -> Flow[Optional[str]]:
    """The text under a key; None when there is none."""
    request = get(f"{STATE}/get_by_key", params={"key": key})
    return (yield from call_model(Optional[str], request))  # type: ignore[arg-type]


def set_value(key: str, value: str) -> Flow[None]:
    """Put a text under a key."""
    if not isinstance(value, str):
        raise TypeError(f"the value must be a text, not {type(value).__name__}")
    yield from call(
        post(
            f"{STATE}/set_by_key",
            params={"key": key},
            json=value,
            retry=RetryRule.SAFE,
        )
    )


def list_keys(prefix: str) -> Flow[list[str]]:
    """The keys that begin with `prefix`."""
    request = get(f"{STATE}/get_keys_by_prefix", params={"prefix": prefix})
    return (yield from call_model(list[str], request))


def delete_value(key: str) -> Flow[None]:
    """Remove a key."""
    request = post(
        f"{STATE}/delete_by_key",
        params={"key": key},
        # The schema says 204, without content; 6.14 answers 200.
        identity=True,
        retry=RetryRule.SAFE,
    )
    yield from call(request)


def clear() -> Flow[None]:
    """Remove every key."""
    yield from call(post(f"{STATE}/delete", identity=True, retry=RetryRule.SAFE))
