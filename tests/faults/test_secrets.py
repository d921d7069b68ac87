"""No credential in any log, repr, error, traceback or pickle, however a call fails."""

from __future__ import annotations

import base64
import contextlib
import io
import logging
import pickle
import traceback
import warnings

import pytest
from both_drivers import DRIVERS, Driven, make_settings
from scripted_server import Answer, ScriptedServer, as_json

from faults.rig.proxy import KINDS, FaultProxy
from invokeai_py_client._core.server_flows import request_any
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import APIError, InvokeAIError

TOKEN = "tok-SECRET-0123456789"
PASSWORD = "pass-SECRET-word"
HEADER = "head-SECRET-er"
FRESH = "fresh-SECRET-token"
SECRETS = (TOKEN, PASSWORD, HEADER, FRESH)

# Logs of the libraries below; their headers are theirs to show at DEBUG.
LOGGERS = ("invokeai_py_client", "httpx", "httpx2", "socketio", "engineio", "websocket")


@pytest.fixture
def log():
    """Everything that is logged by us and by what we use, at DEBUG."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s %(exc_text)s"))
    before = {name: logging.getLogger(name).level for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.DEBUG)
        logging.getLogger(name).addHandler(handler)
    yield stream
    for name in LOGGERS:
        logging.getLogger(name).setLevel(before[name])
        logging.getLogger(name).removeHandler(handler)


def told(error):
    """All that an error may end up as: text, repr, traceback with causes, data."""
    text = [str(error), repr(error), repr(getattr(error, "__dict__", {}))]
    text += traceback.format_exception(type(error), error, error.__traceback__)
    cause = error.__cause__ or error.__context__
    if cause is not None:
        text.append(told(cause))
    # What cannot be pickled shows nothing.
    with contextlib.suppress(TypeError, AttributeError, pickle.PicklingError):
        text.append(str(pickle.dumps(error)))
    return "\n".join(text)


def clean(text):
    """What shows a secret, with what stands before it; empty when nothing does."""
    found = [(secret, text.find(secret)) for secret in SECRETS]
    return [text[max(0, at - 200) : at + 30] for _, at in found if at >= 0]


def answer(request):
    if request.path.endswith("/auth/login"):
        return as_json({"token": TOKEN, "user": {"user_id": "u"}, "expires_in": 1})
    if request.path.endswith("echo"):
        status = int(request.query["status"][0])
        return as_json({"detail": "no"}, status, X_Refreshed_Token=FRESH)
    return as_json({"version": "6.14.2"}, X_Refreshed_Token=FRESH)


@pytest.fixture
def proxy():
    with ScriptedServer(answer) as server, FaultProxy(server.url) as running:
        yield running


def make(url, how):
    options = {"headers": {"X-Proxy-Key": HEADER}, "request_timeout": 5}
    if how == "token":
        return InvokeAIClient(url, token=TOKEN, **options)
    return InvokeAIClient(url, email="a@b.c", password=PASSWORD, **options)


@pytest.mark.parametrize("how", ["token", "password"])
def test_no_failure_shows_a_credential(proxy, log, how, outcomes):
    shown, failures = [], 0
    with warnings.catch_warnings(record=True) as warned, make(proxy.url, how) as client:
        warnings.simplefilter("always")
        shown += [repr(client), repr(vars(client)), repr(client._settings)]
        for kind in KINDS:
            proxy.next(kind, status=500, path="boards")
            try:
                shown.append(repr(client.request("post", "/api/v1/boards/", json=1)))
            except APIError as error:
                failures += 1
                shown.append(told(error))
        for status in (400, 401, 403, 404, 409, 422, 500, 503):
            with pytest.raises(APIError) as caught:
                client.request("put", "/echo", params={"status": status})
            failures += 1
            shown.append(told(caught.value))
        proxy.refuse()
        with pytest.raises(APIError) as caught:
            client.server_version()
        shown.append(told(caught.value))
        stream = client.events()
        with pytest.raises(InvokeAIError) as caught:
            next(stream)
        shown.append(told(caught.value))
    shown += [str(item.message) for item in warned]
    assert failures > 12
    assert clean("\n".join(shown)) == []
    assert clean(log.getvalue()) == []
    assert log.getvalue()
    outcomes.tried(
        "no credential in any log, repr, error, traceback, pickle or warning",
        f"failures of a client with a {how}, its loggers and those of every library "
        "at DEBUG",
        failures + 2,
    )


@pytest.mark.parametrize("how", ["token", "password"])
def test_nothing_that_holds_a_secret_can_be_pickled(proxy, how):
    with make(proxy.url, how) as client:
        for thing in (client, client._settings, client._settings.credentials):
            try:
                pickled = str(pickle.dumps(thing))
            except (TypeError, AttributeError):
                continue
            assert clean(pickled) == []


# -- servers and proxies that send back what they got ----------------------------------

BASIC = base64.b64encode(b"proxy-user:basic-SECRET-word").decode()
SHORT = "sh0rt"
ALL_SECRETS = (*SECRETS, BASIC, "basic-SECRET-word", "install-SECRET", SHORT)


def echo(request):
    """Everything that came, as whatever the query asks for."""
    status = int(request.query["status"][0])
    sent = f"{request.method} {request.target} {request.headers} {request.body!r}"
    if request.query["as"] == ["problems"]:
        body = {
            "detail": [
                {"loc": ["body", name], "msg": f"not {value}", "input": value}
                for name, value in request.headers.items()
            ]
        }
        return as_json(body, status)
    if request.query["as"] == ["data"]:
        echoed = {"headers": request.headers, "body": request.body.decode()}
        return as_json({"detail": echoed}, status, X_Refreshed_Token=FRESH)
    if request.query["as"] == ["redirect"]:
        secret = request.headers["authorization"].partition(" ")[2]
        target = f"http://me:{secret}@elsewhere/{secret}"
        return Answer(b"", 302, headers={"Location": target})
    return Answer(sent.encode(), status, kind="text/plain")


@pytest.mark.parametrize("kind", DRIVERS)
@pytest.mark.parametrize("how", ["token", "password"])
@pytest.mark.parametrize("form", ["text", "problems", "data", "redirect"])
def test_no_error_repeats_a_secret_that_comes_back(kind, how, form, log):
    credentials = {"token": TOKEN}
    if how == "password":
        credentials = {"email": "a@b.c", "password": PASSWORD}
    headers = {"X-Api-Key": HEADER, "X-Pass": SHORT, "Proxy-Auth": f"Basic {BASIC}"}
    body = {"access_token": "install-SECRET", "source": "https://u:pw@host/m"}

    def answer_or_echo(request):
        return echo(request) if request.path == "/echo" else answer(request)

    shown = []
    with ScriptedServer(answer_or_echo) as server:
        settings = make_settings(server.url, headers=headers, **credentials)
        driven = Driven(kind, settings)
        for status in (400, 401, 403, 404, 409, 413, 422, 429, 500, 502):
            query = {"status": status, "as": form}
            with pytest.raises(APIError) as caught:
                driven.run(request_any("post", "/echo", params=query, json=body))
            shown.append(told(caught.value))
        driven.close()
    text = "\n".join(shown)
    assert [secret for secret in ALL_SECRETS if secret in text + log.getvalue()] == []
    assert "u:pw@" not in text
