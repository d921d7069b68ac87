"""Addresses as people write them."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invokeai_py_client._core.address import parse_address
from invokeai_py_client.exceptions import APIConnectionError


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://localhost:9090", "http://localhost:9090"),
        ("localhost:9090", "http://localhost:9090"),
        ("  gpu-box/ ", "http://gpu-box"),
        ("HTTPS://Host.Example//", "https://host.example"),
        ("https://host/a/b/", "https://host/a/b"),
        ("http://[::1]:9090/x", "http://[::1]:9090/x"),
        ("192.168.0.7:1", "http://192.168.0.7:1"),
        ("http://host/b\xe4r/", "http://host/b%C3%A4r"),
        ("http://host/a%40b", "http://host/a%40b"),
    ],
)
def test_spellings(text, url):
    address = parse_address(text)
    assert str(address) == url
    assert parse_address(str(address)) == address
    assert address.url("/api/v1/x") == url + "/api/v1/x"
    assert address.origin + address.socket_path == url + "/ws/socket.io"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "host name"),
        ("http://", "host name"),
        ("ftp://host", "cannot start with ftp://"),
        ("http://host:port", "Port"),
        ("http://host:99999", "Port"),
        ("http://host/?a=b", "'\\?'"),
        ("http://host/#/boards", "'#'"),
        ("http://ho st", "no spaces"),
        ("http://host/a\x00b", "no spaces or control"),
        ("http://ho\x01st", "no spaces or control"),
        ("//host:1", "host name"),
        ("http://[::1", "not a server address"),
    ],
)
def test_nonsense_is_refused_with_the_reason(text, problem):
    with pytest.raises(APIConnectionError, match=problem) as caught:
        parse_address(text)
    assert "http://localhost:9090" in str(caught.value)


@pytest.mark.parametrize(
    "password", ["hun", "hun/ter", "hun?ter", "hun#ter", "hun℀", "1/hun"]
)
def test_passwords_in_addresses_are_refused_and_no_part_of_them_repeated(password):
    # Some of them would make the address fail for another reason, in other words.
    with pytest.raises(APIConnectionError, match="user name or password") as caught:
        parse_address(f"http://user:{password}@host:9090")
    told = "".join(traceback.format_exception(None, caught.value, None))
    assert "hun" not in told
    assert "hun" not in repr(vars(caught.value))


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        address = parse_address(text)
    except APIConnectionError:
        return
    assert parse_address(str(address)) == address
