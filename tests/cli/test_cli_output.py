"""What `ivk` writes: nothing acts on the terminal, and all of it can be copied."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import re
import subprocess
import sys

import pytest
from PIL import Image
from scripted_server import Answer, ScriptedServer
from workflow_builder import document, node

from invokeai_py_client import InvokeAIClient, JobFailedError
from invokeai_py_client._exports import html_table, one_line
from invokeai_py_client._shown.readable import readable
from invokeai_py_client.cli import main
from invokeai_py_client.cli.errors import explain
from invokeai_py_client.cli.terminal import Terminal
from invokeai_py_client.exceptions import (
    APITimeoutError,
    InvokeAIError,
    LocalServerError,
)
from invokeai_py_client.simulator import SimulatedServer, model_record

# Sets the title, clears the screen, hides and reverses text, forges a line.
HOSTILE = "x\x1b]0;owned\x07\x1b[2J\x9b8m\u202egnp\u2066\r\nerror: forged\x85z\u2028"
ACTING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)


IVK = (sys.executable, "-m", "invokeai_py_client")


def assert_harmless(text: str) -> None:
    assert ACTING.findall(text) == []
    assert not [line for line in text.splitlines() if line.startswith("error: forged")]


@pytest.fixture(scope="module")
def hostile_file(tmp_path_factory):
    """A workflow whose every text is hostile."""
    blank = node(
        "b",
        "blank_image",
        {"width": 64, "height": 64},
        label=HOSTILE,
        labels={"width": HOSTILE},
        is_intermediate=False,
    )
    content = document([blank], form=[("b", "width")])
    content.update(name=HOSTILE, description=HOSTILE, tags=HOSTILE)
    path = tmp_path_factory.mktemp("hostile") / "hostile.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture(scope="module")
def hostile_url(hostile_file):
    """A server whose names and errors are all hostile."""
    model = model_record(HOSTILE, base="sd-1", type="main", description=HOSTILE)
    with SimulatedServer(models=[model]) as server:
        with InvokeAIClient(server.url) as client:
            board = client.board_repo.create_board(HOSTILE)
            board.upload_image_data(Image.new("RGB", (8, 8)))
            client.workflow_repo.save_workflow(hostile_file)
            server.faults.fail_next(message=HOSTILE, error=HOSTILE)
            workflow = client.workflow_repo.load(hostile_file)
            with pytest.raises(JobFailedError):
                workflow.run()
        yield server.url


COMMANDS = [
    ("board", "list"),
    ("board", "create", HOSTILE),
    ("board", "rename", "nothing", HOSTILE),
    ("board", "delete", f"no {HOSTILE}"),
    ("model", "list"),
    ("model", "show", HOSTILE),
    ("model", "show", "nothing"),
    ("image", "list"),
    ("image", "delete", HOSTILE, "--yes"),
    ("workflow", "list"),
    ("workflow", "show", "FILE"),
    ("workflow", "inputs", "FILE"),
    ("workflow", "compile", "FILE"),
    ("workflow", "compile", "FILE", "--set", f"width={HOSTILE}"),
    ("workflow", "run", "FILE"),
    ("workflow", "run", "nothing"),
    ("queue", "list"),
    ("queue", "show", "1"),
    ("queue", "status"),
    (HOSTILE,),
    ("board", HOSTILE),
    ("doctor",),
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:2])[:20])
@pytest.mark.parametrize("verbose", [False, True], ids=["quiet", "verbose"])
def test_no_command_lets_a_server_act_on_the_terminal(
    words, verbose, hostile_url, hostile_file, capsys
):
    words = [str(hostile_file) if word == "FILE" else word for word in words]
    where = ["--url", hostile_url] if len(words) > 1 or words == ["doctor"] else []
    main([*words, *where, *(["--verbose"] if verbose and where else [])])
    out, err = capsys.readouterr()
    assert out or err
    assert_harmless(out)
    assert_harmless(err)


def test_a_failed_job_cannot_forge_a_line(hostile_url, hostile_file, capsys, caplog):
    """Of the command, of the log, of an error message, or of a notebook."""
    with SimulatedServer() as server, InvokeAIClient(server.url) as client:
        server.faults.fail_next(message=HOSTILE, error=HOSTILE, times=2)
        assert main(["workflow", "run", str(hostile_file), "--url", server.url]) == 1
        assert_harmless(capsys.readouterr().err)
        with caplog.at_level(logging.DEBUG), pytest.raises(JobFailedError) as caught:
            client.workflow_repo.load(hostile_file).run()
        assert "\\x1b]0;owned" in caught.value.message
        assert caught.value.error_message == HOSTILE  # the data, unchanged
        for text in (str(caught.value), caught.value.job._repr_html_(), repr(caught)):
            assert_harmless(text)
        logging.getLogger("invokeai_py_client").error("failed: %s", caught.value)
        logging.getLogger("invokeai_py_client").error("%s and %r", HOSTILE, [HOSTILE])
        for record in caplog.records:
            assert_harmless(record.getMessage())
        assert caplog.records[-2].msg == "failed: %s"


def test_the_log_shows_tracebacks_readable(caplog):
    logger = logging.getLogger("invokeai_py_client")
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        logger.exception("%(what)s %(count)d", {"what": HOSTILE, "count": 3})
    assert_harmless(caplog.text)
    assert caplog.text.count("Traceback") == 1
    assert "in test_the_log" in caplog.text


def test_texts_that_are_harmless_stay_as_they_are():
    for text in ("", "日本 é", "שלום", "👨‍👩‍👧", "a\u00a0b"):
        assert readable(text) == text
    assert readable("a\tb\x7f\ud800") == "a\\tb\\x7f\\ud800"
    assert readable("a\x1b\nb", keep_lines=True) == "a\\x1b\nb"
    assert str(LocalServerError("log:\na\x1bb")) == "log:\na\\x1bb"
    assert InvokeAIError("a\nb", hint="c\x00").args == ("a\\nb",)


def test_notebooks_and_representations_show_no_markup_of_others():
    table = html_table(("<b>",), [("<script>\x1b\u202e",)])
    assert "&lt;b&gt;" in table
    assert "&lt;script&gt;\\x1b\\u202e" in table
    assert one_line("<input a\x1b[2J>") == "<input a\\x1b[2J>"


class Screen(io.StringIO):
    """A terminal of 80 columns."""

    def isatty(self) -> bool:
        return True


def test_tables_are_never_cut_or_wrapped(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    name, key = "A very long name of a model " * 4, "k" * 60
    screen = Screen()
    rows = [(name, None, ["日本", key]), ("b", 1, "c")]
    Terminal(screen).table(("NAME", "N", "KEY"), rows)
    text = re.sub("\x1b\\[[0-9;]*m", "", screen.getvalue())
    head, first, second, third = text.splitlines()
    assert name in first
    assert key in second
    columns = head.index("N", 4), head.index("KEY")
    assert third[columns[0]] == "1"
    assert first.endswith("日本")
    assert (second.index(key), third.index("c")) == (columns[1], columns[1])
    assert not [line for line in text.splitlines() if line.endswith(" ")]


# -- output that is not UTF-8 --------------------------------------------------------


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437"])
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_a_terminal_that_cannot_show_a_name_is_not_an_error(encoding, as_json):
    with SimulatedServer() as server:
        for words in (["board", "create", "日本"], ["board", "list"], ["board", "x日"]):
            where = ["--url", server.url] if words[1] != "x日" else []
            done = subprocess.run(
                [*IVK, *words, *where, *(["--json"] if as_json else [])],
                env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
                capture_output=True,
                check=False,
            )
            text = done.stdout.decode(encoding) + done.stderr.decode(encoding)
            assert "Traceback" not in text
            if words[1] != "x日":
                assert done.returncode == 0
                assert "\\u65e5\\u672c" in text


# -- what the command line sends -----------------------------------------------------


@pytest.fixture
def asked():
    """A server that answers like InvokeAI and remembers what it was asked."""
    received = []

    def answer(request):
        received.append(request)
        if request.headers.get("x-proxy") == "refuse":
            refused = {"www-authenticate": 'Basic realm="proxy"'}
            return Answer(b"<html>no</html>", 401, "text/html", headers=refused)
        return Answer(b"[]", 200, "application/json")

    with ScriptedServer(answer) as server:
        yield server.url, received


def test_headers_and_the_log_in_of_a_proxy_are_sent_and_never_shown(
    asked, tmp_path, capsys
):
    url, received = asked
    (tmp_path / "pair").write_text("me:pass:word\n")
    headers = ["--header", "X-One: 1", "--header", "X-Two:2"]
    pair = ["--basic-auth", f"@{tmp_path / 'pair'}"]
    assert main(["board", "list", "--url", url, *headers, *pair, "--verbose"]) == 0
    sent = received[-1].headers
    assert (sent["x-one"], sent["x-two"]) == ("1", "2")
    packed = base64.b64encode(b"me:pass:word").decode()
    assert sent["authorization"] == f"Basic {packed}"
    out, err = capsys.readouterr()
    assert "pass:word" not in out + err
    assert packed not in out + err


def test_a_proxy_that_asks_for_a_log_in_is_told_from_the_server(asked, capsys):
    url, _ = asked
    assert main(["board", "list", "--url", url, "--header", "X-Proxy: refuse"]) == 5
    err = capsys.readouterr().err
    assert "--basic-auth" in err
    assert "--token" not in err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--header", "nothing"], "NAME:VALUE"),
        (["--basic-auth", "nobody"], "USER:PASSWORD"),
        (["--basic-auth", "a:b", "--token", "t"], "same header"),
        (["--verify", "/nowhere.pem", "--url", "https://h"], "certificates"),
        (["--proxy", "nonsense://x"], "proxy"),
    ],
)
def test_options_of_the_connection_are_checked(words, part, capsys):
    assert main(["board", "list", *words]) == 2
    err = capsys.readouterr().err
    assert part in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "proxy", ["socks5://u:pw@h:1", "nonsense://u:pw@h", "http://[::1"]
)
def test_proxies_of_the_environment_that_cannot_be_used_are_explained(
    proxy, monkeypatch, capsys
):
    monkeypatch.setenv("ALL_PROXY", proxy)
    assert main(["doctor", "--url", "http://example.invalid", "--json"]) == 1
    out = capsys.readouterr().out
    [server] = [c for c in json.loads(out)["data"]["checks"] if c["name"] == "server"]
    assert "ALL_PROXY" in server["hint"]
    assert "--proxy" in server["hint"]
    assert "pw" not in out


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize(
    "words", [["doctor"], ["board", "list"], ["server", "stop"]], ids=" ".join
)
def test_a_password_in_the_address_is_never_shown(words, as_json, capsys, monkeypatch):
    from invokeai_py_client import server

    monkeypatch.setattr(server, "running_servers", list)
    url = "http://user:S3CRET@h"
    main([*words, "--url", url, *(["--json"] if as_json else [])])
    out, err = capsys.readouterr()
    assert "S3CRET" not in out + err


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (
            InvokeAIError("x", hint="no board: create=True makes it"),
            "--create makes it",
        ),
        (InvokeAIError("x", hint='use seed="random"'), "--seed random"),
        (
            InvokeAIError("x", hint="set_node_value('denoise', 'steps', …) sets it"),
            "--set-node denoise.steps=… sets it",
        ),
        (APITimeoutError("x", hint="request_timeout= allows for more"), "ivk doctor"),
        (InvokeAIError("x", hint="call client.check() or repo.find(name)"), None),
        (InvokeAIError("x", hint="give wrong=, or thing=3"), None),
        (InvokeAIError("x", hint="the server is busy"), "the server is busy"),
    ],
)
def test_hints_name_options_of_the_command_line(error, hint):
    found = explain(error).hint
    assert found is None if hint is None else hint in found


# -- a workflow from standard input --------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["workflow", "inputs", "-", "--offline", "--json"],
        ["workflow", "run", "-", "--simulate", "--json"],
    ],
    ids=["offline", "simulated"],
)
def test_a_workflow_is_read_from_standard_input(words, hostile_file):
    done = subprocess.run(
        [*IVK, *words],
        input=hostile_file.read_bytes(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True), done.stderr


def test_standard_input_without_a_workflow_is_named(tmp_path):
    done = subprocess.run(
        [*IVK, "workflow", "inputs", "-", "--offline"],
        input=b"not json",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"standard input" in done.stderr


# -- mistakes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "parts"),
    [
        (("queue", "list", "--status", "done"), 2, ["--status", "'done'", "pending"]),
        (("image", "list", "--category", "x"), 2, ["--category", "'x'", "general"]),
        (("queue", "show", "9" * 40), 2, ["JOB cannot be", "number"]),
        (("image", "list", "--limit", "9" * 40), 2, ["--limit", "too large"]),
        (("board", "create", ""), 2, ["NAME", "not empty"]),
        (("board", "list", "--url", "ftp://x"), 2, ["--url", "'ftp://x'"]),
        (("workflow", "run", "FOLDER"), 3, ["is a folder", "portrait.json"]),
        (("workflow", "run", "FOLDER/potrait.json"), 3, ["portrait.json"]),
        (("workflow", "show", "FOLDER/potrait.json", "--offline"), 3, ["portrait"]),
        (("workflow", "run", "FOLDER/portrait.json", "--out", "FOLDER/portrait.json/x"),
         7, ["cannot be made", "--out"]),
        (("image", "download", "x", "--out", "FOLDER/portrait.json"), 7, ["--out"]),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_words_of_the_command_line(
    words, code, parts, hostile_file, hostile_url, tmp_path, capsys
):
    (tmp_path / "portrait.json").write_bytes(hostile_file.read_bytes())
    words = [word.replace("FOLDER", str(tmp_path)) for word in words]
    where = [] if "--url" in words else ["--url", hostile_url]
    assert main([*words, *where]) == code
    err = capsys.readouterr().err
    assert [part for part in parts if part not in err] == [], err
    assert "report it" not in err
    assert "a list of them" not in err


def test_an_image_that_cannot_be_saved_does_not_lose_the_rest(
    hostile_url, hostile_file, tmp_path, monkeypatch, capsys
):
    def save(self, path, **options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("invokeai_py_client.IvkImage.save", save)
    out = tmp_path / "out"
    words = ["workflow", "run", str(hostile_file), "--url", hostile_url, "--json"]
    assert main([*words, "--out", str(out)]) == 7
    envelope = json.loads(capsys.readouterr().out)
    [job] = envelope["data"]["jobs"]
    assert job["status"] == "completed"
    assert job["images"][0]["path"] is None
    assert envelope["error"]["code"] == "file_error"
    assert str(out) in envelope["error"]["message"]
    assert "1 images could not be saved" in envelope["warnings"]
