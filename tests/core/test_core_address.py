"""Addresses as people write them."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import given, strategies as st

from invokeai_py_client._core.address import parse_address
from invokeai_py_client.exceptions import ArgumentError


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


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "host name"),
        ("http://", "host name"),
        ("ftp://host", "cannot start with ftp://"),
        ("http://host:port", "port"),
        ("http://host:99999", "port"),
        ("http://host/?a=b", "'\\?'"),
        ("http://host/#/boards", "'#'"),
        ("http://ho st", "no spaces"),
        ("http://host/a\x00b", "no spaces or control"),
        ("http://ho\x01st", "no spaces or control"),
        ("//host:1", "host name"),
        ("http://[::1", "taken apart"),
    ],
)
def test_nonsense_is_refused_with_the_reason(text, problem):
    with pytest.raises(ArgumentError, match=problem) as caught:
        parse_address(text)
    assert "http://localhost:9090" in str(caught.value)


@pytest.mark.parametrize(
    "password", ["hun", "hun/ter", "hun?ter", "hun#ter", "hun℀", "1/hun"]
)
def test_passwords_in_addresses_are_refused_and_no_part_of_them_repeated(password):
    # Some of them would make the address fail for another reason, in other words.
    with pytest.raises(ArgumentError, match="user name and password") as caught:
        parse_address(f"http://user:{password}@host:9090")
    told = "".join(traceback.format_exception(None, caught.value, None))
    assert "hun" not in told
    assert "hun" not in repr(vars(caught.value))


@pytest.mark.parametrize("value", [9090, b"http://host", None])
def test_an_address_is_a_string(value):
    with pytest.raises(ArgumentError, match=r"^url=.*a string such as"):
        parse_address(value)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        address = parse_address(text)
    except ArgumentError:
        return
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "http://h:SECRET/",
        "h:SECRET",
        "user:SECRET:9090",
        "http://[::1]:SECRET",
        "http://h:9090:SECRET/x",
        "http://h/?token=SECRET",
        "h#SECRET",
        "http://u:SECRET@h",
        "http://u:SECRET/@h",
    ],
)
def test_a_refused_address_does_not_show_what_may_be_a_password(text):
    with pytest.raises(ArgumentError) as caught:
        parse_address(text)
    error = caught.value
    assert "SECRET" not in f"{error!s}{error!r}{vars(error)}{error.args}"


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        (9090, "'http://localhost:9090'"),
        ("http://h:9090/api/v1", "leave out /api/v1"),
        ("http://h:9090/invoke/api/v1/boards/", "leave out /api/v1/boards/"),
        ("http://h:9090/docs", "leave out /docs"),
        ("http://h:9090/openapi.json", "leave out /openapi.json"),
    ],
)
def test_an_address_that_is_nearly_right_gets_advice(url, advice):
    with pytest.raises(ArgumentError) as caught:
        parse_address(url)
    assert advice in caught.value.hint


def test_an_address_with_a_path_of_its_own_stays():
    assert str(parse_address("http://h/api")) == "http://h/api"
    assert str(parse_address("http://h/mydocs")) == "http://h/mydocs"


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "my.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "0.0.0.0",
        "[::]", "[::ffff:127.0.0.1]",
    ],
)  # fmt: skip
def test_no_proxy_is_between_us_and_this_machine(host):
    assert parse_address(f"http://{host}:9090").is_loopback


@pytest.mark.parametrize(
    "host", ["gpu-box", "localhost.example", "mylocalhost", "192.168.0.7", "[fe80::1]"]
)
def test_other_machines_are_not_this_one(host):
    assert not parse_address(f"http://{host}:9090").is_loopback


@pytest.mark.parametrize(
    ("port", "is_port"), [(0, False), (1, True), (65535, True), (65536, False)]
)
def test_a_number_that_may_be_a_port_gets_advice(port, is_port):
    with pytest.raises(ArgumentError) as caught:
        parse_address(port)
    assert (f"http://localhost:{port}" in (caught.value.hint or "")) is is_port


def test_true_is_not_a_port():
    with pytest.raises(ArgumentError) as caught:
        parse_address(True)
    assert caught.value.hint is None


def test_a_host_is_told_without_brackets():
    assert parse_address("http://[::1]:9090").host == "::1"
    assert parse_address("gpu-box:1").host == "gpu-box"
