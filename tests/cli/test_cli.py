"""The `ivk` command: one envelope, one table of exit codes, errors to act on."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from paths import REPOSITORY
from scripted_server import Answer, Received, ScriptedServer

from invokeai_py_client import exceptions
from invokeai_py_client.cli import errors, main
from invokeai_py_client.cli.errors import ERROR_CODES, EXIT_CODES, CliError, explain
from invokeai_py_client.exceptions import (
    FieldProblem,
    FieldValidationError,
    InvokeAIError,
    JobFailedError,
)

CLI = REPOSITORY / "src" / "invokeai_py_client" / "cli"


# -- a workflow and a server to talk about -------------------------------------------


def node(node_id: str, node_type: str, version: str, **values: object) -> dict:
    inputs = {
        name: {"name": name, "label": "", "description": "", "value": value}
        for name, value in values.items()
    }
    return {
        "id": node_id,
        "type": "invocation",
        "position": {"x": 0, "y": 0},
        "data": {
            "id": node_id,
            "type": node_type,
            "version": version,
            "label": "",
            "notes": "",
            "isOpen": True,
            "isIntermediate": False,
            "useCache": True,
            "nodePack": "invokeai",
            "inputs": inputs,
        },
    }


@pytest.fixture
def workflow(tmp_path) -> Path:
    """A blank image whose width and board the form shows, and a string."""
    blank = node("b", "blank_image", "1.2.2", width=64, height=64, board="auto")
    blank["data"]["inputs"]["width"]["label"] = "The Width"
    document = {
        "name": "blank",
        "author": "",
        "description": "a test",
        "version": "",
        "contact": "",
        "tags": "",
        "notes": "",
        "meta": {"version": "3.0.0", "category": "user"},
        "exposedFields": [
            {"nodeId": "b", "fieldName": "width"},
            {"nodeId": "b", "fieldName": "board"},
            {"nodeId": "s", "fieldName": "value"},
        ],
        "nodes": [blank, node("s", "string", "1.0.1", value="a [bold] text")],
        "edges": [],
    }
    path = tmp_path / "blank.json"
    path.write_text(json.dumps(document))
    return path


class AnswerTable(ScriptedServer):
    """Answers by a table of path to (status, content type, body)."""

    def __init__(self) -> None:
        super().__init__(self._find)
        self.answers: dict[str, tuple[int, str, str]] = {}

    def add(self, path: str, body: object, status: int = 200) -> None:
        self.answers[path] = (status, "application/json", json.dumps(body))

    def _find(self, request: Received) -> Answer:
        page = (200, "text/html", "<html>a web page</html>")
        status, kind, body = self.answers.get(request.path, page)
        return Answer(body.encode(), status, kind)


@pytest.fixture
def server():
    with AnswerTable() as running:
        yield running


# -- codes ---------------------------------------------------------------------------


def codes_in_source() -> set[str]:
    """Error codes that the source of the command line uses."""
    found = {code for _, code, _ in errors._BY_CLASS}
    for path in CLI.rglob("*.py"):
        text = path.read_text("utf-8")
        found |= set(re.findall(r"\b(?:CliError|Failure)\(\s*\"([a-z_]+)\"", text))
    return found | {"missing_extra"}


def test_every_code_is_used_and_every_used_code_is_registered():
    assert codes_in_source() == set(ERROR_CODES)


def test_codes_are_snake_case_and_lead_to_documented_exit_codes():
    for code, exit_code in ERROR_CODES.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
        assert exit_code in EXIT_CODES
        assert exit_code != 0


def test_a_code_has_one_exit_code():
    assert {(code, exit_code) for _, code, exit_code in errors._BY_CLASS} <= set(
        ERROR_CODES.items()
    )


def test_every_error_of_the_library_has_its_own_code():
    """A base class may share the code of last resort, a leaf may not."""
    classes = [
        getattr(exceptions, name)
        for name in exceptions.__all__
        if isinstance(getattr(exceptions, name), type)
        and issubclass(getattr(exceptions, name), InvokeAIError)
    ]
    assert len(classes) > 20
    registered = {kind for kind, _, _ in errors._BY_CLASS}
    assert [kind for kind in classes if kind not in registered] == []


def test_derived_errors_are_listed_before_their_base_classes():
    kinds = [kind for kind, _, _ in errors._BY_CLASS]
    for index, kind in enumerate(kinds):
        for later in kinds[index + 1 :]:
            assert not issubclass(later, kind), f"{later} never gets its code"


def test_the_documented_tables_are_those_of_the_code():
    text = (REPOSITORY / "docs" / "cli.md").read_text("utf-8")
    codes = re.findall(r"^\| `([a-z_]+)` \| (\d+) \| .+ \|$", text, re.M)
    assert {(code, int(number)) for code, number in codes} == set(ERROR_CODES.items())
    exits = re.findall(r"^\| (\d+) \| (.+?) \|$", text, re.M)
    assert {(int(code), meaning) for code, meaning in exits} == set(EXIT_CODES.items())


def test_an_error_carries_its_data():
    problem = FieldProblem("steps is 0", "minimum", "n", "steps", 3, 0, "from 1")
    failure = explain(FieldValidationError([problem]))
    assert failure.code == "invalid_value"
    assert failure.details["problems"] == [problem.as_dict()]
    failed = explain(JobFailedError("out", error_type="OutOfMemoryError", node_id="n"))
    assert failed.details["error_type"] == "OutOfMemoryError"
    assert explain(CliError("usage", "x", given=1)).as_dict()["given"] == 1
    assert explain(ZeroDivisionError("x")).code == "internal"


# -- compile, offline ----------------------------------------------------------------


def test_compile_prints_the_payload_and_the_inputs(ivk_json, workflow):
    code, envelope = ivk_json("workflow", "compile", workflow, "--offline")
    assert code == 0
    assert envelope["command"] == "workflow compile"
    data = envelope["data"]
    assert list(data) == ["batch", "inputs", "warnings", "problems"]
    assert list(data["batch"]) == ["graph", "data", "runs", "workflow"]
    assert data["batch"]["graph"]["nodes"]["b"]["width"] == 64
    assert "board" not in data["batch"]["graph"]["nodes"]["b"]
    assert data["batch"]["runs"] == 1
    assert data["batch"]["data"] == []
    assert data["batch"]["workflow"]["name"] == "blank"
    assert data["inputs"][0] == {
        "index": 0,
        "name": "the_width",
        "label": "The Width",
        "node_id": "b",
        "field_name": "width",
        "type": "IntegerField",
    }
    assert [item["index"] for item in data["inputs"]] == [0, 1, 2]
    assert data["problems"] == []


def test_compile_takes_values_runs_and_a_board(ivk_json, workflow):
    _, envelope = ivk_json(
        "workflow", "compile", workflow, "--offline",
        "--set", "the_width=128", "--set", "2=17", "--set-node", "b.height=256",
        "--runs", 3, "--board", "my-board",
    )  # fmt: skip
    nodes = envelope["data"]["batch"]["graph"]["nodes"]
    assert (nodes["b"]["width"], nodes["b"]["height"]) == (128, 256)
    assert nodes["b"]["board"] == {"board_id": "my-board"}
    assert nodes["s"]["value"] == "17", "a string stays a string"
    assert envelope["data"]["batch"]["runs"] == 3


def test_compile_reads_values_from_files(ivk_json, workflow, tmp_path):
    (tmp_path / "prompt.txt").write_text("a lighthouse\nat dawn\n", "utf-8")
    _, envelope = ivk_json(
        "workflow", "compile", workflow, "--offline",
        "--set", f"value=@{tmp_path / 'prompt.txt'}",
    )  # fmt: skip
    nodes = envelope["data"]["batch"]["graph"]["nodes"]
    assert nodes["s"]["value"] == "a lighthouse\nat dawn"
    _, envelope = ivk_json(
        "workflow", "compile", workflow, "--offline", "--set", "value=@@me"
    )
    assert envelope["data"]["batch"]["graph"]["nodes"]["s"]["value"] == "@me"


@pytest.fixture
def incomplete(tmp_path) -> Path:
    """A workflow that needs an image and has none."""
    document = {
        "name": "", "author": "", "description": "", "version": "", "contact": "",
        "tags": "", "notes": "", "meta": {"version": "3.0.0", "category": "user"},
        "exposedFields": [{"nodeId": "r", "fieldName": "image"}],
        "nodes": [node("r", "img_resize", "1.2.2", image=None, width=64, height=64)],
        "edges": [],
    }  # fmt: skip
    path = tmp_path / "incomplete.json"
    path.write_text(json.dumps(document))
    return path


def test_problems_are_listed_with_the_payload_and_fail_only_with_strict(
    ivk_json, incomplete
):
    code, envelope = ivk_json("workflow", "compile", incomplete, "--offline")
    assert code == 0
    [problem] = envelope["data"]["problems"]
    assert (problem["node_id"], problem["field_name"]) == ("r", "image")
    assert problem["input_index"] == 0
    assert envelope["data"]["batch"]["graph"]["nodes"]["r"]["width"] == 64
    code, envelope = ivk_json(
        "workflow", "compile", incomplete, "--offline", "--strict"
    )
    assert code == 1
    assert envelope["error"]["code"] == "problems_found"
    assert len(envelope["data"]["problems"]) == 1, "the data is there all the same"


def test_without_json_the_payload_is_on_stdout_and_the_rest_on_stderr(ivk, incomplete):
    code, out, err = ivk("workflow", "compile", incomplete, "--offline")
    assert code == 0
    assert json.loads(out)["graph"]["nodes"]["r"]["type"] == "img_resize"
    assert "problem:" in err


def test_facts_say_what_does_not_exist(ivk_json, workflow, tmp_path):
    text = json.loads(workflow.read_text())
    text["nodes"][0]["data"]["inputs"]["board"]["value"] = {"board_id": "gone"}
    workflow.write_text(json.dumps(text))
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"missing": {"boards": ["gone"]}}))
    compiling = ("workflow", "compile", workflow, "--offline")
    _, without = ivk_json(*compiling)
    _, envelope = ivk_json(*compiling, "--facts", facts)
    assert without["data"]["batch"]["graph"]["nodes"]["b"]["board"] == {
        "board_id": "gone"
    }
    assert "board" not in envelope["data"]["batch"]["graph"]["nodes"]["b"]
    assert any("gone" in line for line in envelope["warnings"])


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ("[]", "facts: expected an object"),
        ("{", "not JSON"),
        ('{"boards": []}', "unknown key 'boards'"),
        ('{"missing": {"board": []}}', "unknown key 'board'"),
        ('{"missing": {"boards": [1]}}', "missing.boards[0]: expected a string"),
        ('{"dynamic_prompts": [{}]}', "dynamic_prompts[0].prompt: Field required"),
        ('{"dynamic_prompts": {}}', "dynamic_prompts: expected a list"),
        ('{"saved_workflows": {"x": 3}}', "saved_workflows.x: expected an object"),
    ],
)
def test_a_facts_file_of_another_form_is_refused(
    ivk_json, workflow, tmp_path, document, place
):
    facts = tmp_path / "facts.json"
    facts.write_text(document)
    code, envelope = ivk_json(
        "workflow", "compile", workflow, "--offline", "--facts", facts
    )
    assert code == 2
    assert place in envelope["error"]["message"]


def test_facts_hold_recorded_answers(tmp_path):
    from invokeai_py_client.cli.commands.workflow_commands import read_facts
    from invokeai_py_client.workflow.editor.server_facts import (
        BoardImagesQuery,
        DynamicPromptsQuery,
    )

    path = tmp_path / "facts.json"
    path.write_text(
        json.dumps(
            {
                "dynamic_prompts": [
                    {
                        "prompt": "{a|b}",
                        "max_prompts": 2,
                        "combinatorial": True,
                        "prompts": ["a", "b"],
                    }
                ],
                "board_images": [{"board_id": "none", "image_names": ["x.png"]}],
                "saved_workflows": {"id": None},
            }
        )
    )
    facts = read_facts(path)
    assert facts.dynamic_prompts == {DynamicPromptsQuery("{a|b}", 2, True): ("a", "b")}
    assert facts.board_images == {BoardImagesQuery("none", ("general",)): ("x.png",)}
    assert facts.saved_workflows == {"id": None}


# -- inputs --------------------------------------------------------------------------


def test_inputs_shows_names_values_and_limits(ivk, ivk_json, workflow):
    code, out, _ = ivk("workflow", "inputs", workflow, "--offline")
    assert code == 0
    assert "the_width" in out
    assert "a [bold] text" in out, "markup in values is not interpreted"
    _, envelope = ivk_json("workflow", "inputs", workflow, "--offline")
    first = envelope["data"]["inputs"][0]
    assert first["value"] == 64
    assert first["required"] is False
    assert first["connected"] is False


def test_show_describes_a_workflow(ivk_json, ivk, workflow):
    _, envelope = ivk_json("workflow", "show", workflow, "--offline")
    data = envelope["data"]
    assert (data["name"], data["description"], data["nodes"]) == ("blank", "a test", 2)
    assert data["outputs"][0]["node_id"] == "b"
    code, out, _ = ivk("workflow", "show", workflow, "--offline")
    assert code == 0
    assert "blank_image" in out


# -- bad input -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "exit_code", "part"),
    [
        (["workflow"], "usage", 2, ""),
        (["nonsense"], "usage", 2, "nonsense"),
        (["workflow", "compile", "--offline"], "usage", 2, "FILE|NAME"),
        (["workflow", "compile", "FILE", "--runs", "0"], "usage", 2, "--runs"),
        (
            ["workflow", "compile", "FILE", "--offline", "--set", "x"],
            "usage",
            2,
            "=VALUE",
        ),
        (
            ["workflow", "compile", "FILE", "--offline", "--set-node", "x=1"],
            "usage",
            2,
            "NODE.FIELD",
        ),
        (
            ["workflow", "compile", "absent.json", "--offline"],
            "file_not_found",
            3,
            "absent.json",
        ),
        (["workflow", "run", "absent.json"], "file_not_found", 3, "absent.json"),
        (
            ["workflow", "compile", "FILE", "--offline", "--set", "widht=1"],
            "input_not_found",
            3,
            "the_width",
        ),
        (
            ["workflow", "compile", "FILE", "--offline", "--set", "the_width=wide"],
            "invalid_value",
            1,
            "the_width",
        ),
        (
            ["workflow", "compile", "FILE", "--offline", "--set", "value=@absent.txt"],
            "file_not_found",
            3,
            "absent.txt",
        ),
        (["image", "upload", "absent.png"], "file_not_found", 3, "absent.png"),
        (["image", "upload", "http://h/a.png"], "usage", 2, "http://h/a.png is an"),
        (["image", "upload", "data:image/png;base64,AA"], "usage", 2, "download it"),
        (["image", "download"], "usage", 2, "--board"),
        (["queue", "cancel"], "usage", 2, "--batch"),
        (["server", "stop", "--pid", "1"], "not_found", 3, "1"),
    ],
)
def test_bad_input_has_a_code_and_names_what_is_wrong(
    ivk, ivk_json, workflow, tmp_path, monkeypatch, words, code, exit_code, part
):
    monkeypatch.setenv("INVOKEAI_PY_CLIENT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("INVOKEAI_URL", "http://127.0.0.1:9")
    given = [str(workflow) if word == "FILE" else word for word in words]
    found, envelope = ivk_json(*given)
    assert (found, envelope["error"]["code"]) == (exit_code, code)
    assert part in json.dumps(envelope["error"])
    found, out, err = ivk(*given)
    assert found == exit_code
    assert out == ""
    assert "error:" in err or "Usage:" in err


def test_a_file_without_a_workflow_is_named(ivk_json, tmp_path):
    (tmp_path / "x.json").write_text('{"a": 1}')
    code, envelope = ivk_json("workflow", "compile", tmp_path / "x.json", "--offline")
    assert (code, envelope["error"]["code"]) == (1, "workflow_format")
    assert "x.json" in envelope["error"]["message"]


# -- with a server -------------------------------------------------------------------


def test_a_server_that_does_not_run_is_a_connection_failure_with_a_hint(ivk_json, ivk):
    code, envelope = ivk_json("board", "list", "--url", "http://127.0.0.1:9")
    assert (code, envelope["error"]["code"]) == (4, "connection_failed")
    assert envelope["error"]["hint"]
    code, out, err = ivk("board", "list", "--url", "http://127.0.0.1:9")
    assert (code, out) == (4, "")
    assert "hint:" in err


def test_a_web_page_is_a_bad_response(ivk_json, server):
    code, envelope = ivk_json("board", "list", "--url", server.url)
    assert (code, envelope["error"]["code"]) == (4, "bad_response")


def test_a_page_that_another_program_does_not_have_is_a_bad_response(ivk_json, server):
    server.answers["/api/v1/boards/"] = (404, "text/html", "<html>not found</html>")
    code, envelope = ivk_json("board", "list", "--url", server.url)
    assert (code, envelope["error"]["code"]) == (4, "bad_response")
    assert "check the address" in envelope["error"]["hint"]


def test_options_before_the_command_are_an_error_that_says_where_they_belong(ivk):
    code, _, err = ivk("--url", "http://127.0.0.1:9", "board", "list")
    assert code == 2
    assert "--url comes after the command" in err


@pytest.mark.parametrize(
    ("status", "exit_code", "error"),
    [
        (401, 5, "not_authenticated"),
        (403, 5, "permission_denied"),
        (404, 3, "not_found"),
        (500, 6, "server_failed"),
    ],
)
def test_error_statuses_have_codes(ivk_json, server, status, exit_code, error):
    server.add("/api/v1/boards/", {"detail": "no"}, status)
    code, envelope = ivk_json("board", "list", "--url", server.url)
    assert (code, envelope["error"]["code"]) == (exit_code, error)
    assert envelope["error"]["status_code"] == status


def test_the_token_is_sent_and_never_shown(ivk, server):
    server.add("/api/v1/boards/", {"detail": "no"}, 401)
    code, out, err = ivk(
        "board", "list", "--url", server.url, "--token", "s3cret", "--verbose"
    )
    assert code == 5
    assert "s3cret" in {request.token for request in server.received}
    assert "s3cret" not in out + err


def test_a_verbose_command_leaves_the_log_as_it_was(ivk, server):
    logger = logging.getLogger("invokeai_py_client")
    before = logger.level, list(logger.handlers)
    _, _, err = ivk("board", "list", "--url", server.url, "--verbose")
    assert "GET /api/v1/boards/" in err
    assert (logger.level, logger.handlers) == before


def test_boards_are_listed(ivk, ivk_json, server):
    board = {"board_id": "1", "board_name": "[red]", "image_count": 2, "asset_count": 0}
    server.add("/api/v1/boards/", [board])
    code, out, _ = ivk("board", "list", "--url", server.url)
    assert code == 0
    assert "[red]" in out
    _, envelope = ivk_json("board", "list", "--url", server.url)
    assert envelope["data"][0]["board_name"] == "[red]"


def test_an_unknown_board_suggests_those_there_are(ivk_json, server):
    server.add("/api/v1/boards/", [{"board_id": "1", "board_name": "Cats"}])
    code, envelope = ivk_json("image", "list", "--board", "Cat", "--url", server.url)
    assert (code, envelope["error"]["code"]) == (3, "not_found")
    assert "Cats" in envelope["error"]["candidates"]


def test_nothing_is_uploaded_when_a_file_is_missing(ivk_json, server, tmp_path):
    there = tmp_path / "there.png"
    there.write_bytes(b"image")
    gone = tmp_path / "gone.png"
    words = (there, gone, tmp_path, "--url", server.url)
    code, envelope = ivk_json("image", "upload", *words)
    assert envelope["error"]["code"] == "file_not_found"
    assert envelope["error"]["message"] == f"no such file: {gone}, {tmp_path}"
    assert code != 0
    assert server.lines == []


def test_doctor_names_what_is_wrong_and_ends_with_1(ivk_json, ivk, server):
    code, envelope = ivk_json("doctor", "--url", server.url)
    assert code == 1
    checks = {check["name"]: check for check in envelope["data"]["checks"]}
    assert checks["server"]["state"] == "failed"
    assert checks["client"]["state"] == "ok"
    code, out, err = ivk("doctor", "--url", "http://127.0.0.1:9")
    assert code == 1
    assert "FAIL" in out
    assert "failed: server" in err


# -- the process ---------------------------------------------------------------------


def process(*words: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "invokeai_py_client", *words],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_the_module_runs_offline_with_nothing_else_on_stdout(workflow):
    done = process(
        "workflow", "compile", str(workflow), "--offline", "--json", "--verbose",
        INVOKEAI_URL="http://127.0.0.1:9",
    )  # fmt: skip
    assert done.returncode == 0
    assert json.loads(done.stdout)["ok"] is True


def test_output_that_nobody_reads_is_not_an_error(workflow):
    child = subprocess.Popen(
        [sys.executable, "-m", "invokeai_py_client", "workflow", "compile",
         str(workflow), "--offline"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    child.stdout.close()
    with child:
        err = child.stderr.read()
    assert child.returncode == 0
    assert "Traceback" not in err
    assert "BrokenPipe" not in err


def test_help_and_version(ivk):
    assert ivk("--version")[1].startswith("ivk ")
    code, out, _ = ivk("--help")
    assert code == 0
    for code, meaning in EXIT_CODES.items():
        assert re.search(rf"^ +{code}  {re.escape(meaning)}$", out, re.M)
    assert ivk()[0] == 2


def test_every_command_has_the_common_options():
    from typer.main import get_command

    from invokeai_py_client.cli.app import app

    def leaves(command, words):
        commands = getattr(command, "commands", None)
        if commands is None:
            yield words, command
            return
        for name, child in commands.items():
            yield from leaves(child, [*words, name])

    tree = get_command(app)
    found = {" ".join(words): command for words, command in leaves(tree, [])}
    assert {"workflow run", "workflow compile", "doctor", "server start"} <= set(found)
    for name, command in found.items():
        options = {option for p in command.params for option in p.opts}
        assert {"--json", "--url", "--token", "--verbose"} <= options, name
        assert command.help, name


def test_without_the_extra_the_message_names_it(monkeypatch, capsys):
    from invokeai_py_client import cli

    monkeypatch.setattr(cli, "find_spec", lambda name: None)
    assert main(["--help"]) == ERROR_CODES["missing_extra"]
    assert 'install the extra "cli"' in capsys.readouterr().err


def test_an_interruption_while_it_starts_ends_quietly(monkeypatch, capsys):
    class Interrupted:
        def __getattr__(self, name):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "invokeai_py_client.cli.app", Interrupted())
    assert main(["--version"]) == 130
    assert capsys.readouterr().err == ""


def test_help_does_not_import_the_client():
    code = (
        "import sys\n"
        "from invokeai_py_client.cli import main\n"
        "main(['workflow', 'run', '--help'])\n"
        "slow = {'httpx', 'httpx2', 'socketio'} & set(sys.modules)\n"
        "sys.exit(f'imported: {slow}' if slow else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_only_the_renderer_writes():
    for path in CLI.rglob("*.py"):
        if path.name in ("render.py", "terminal.py"):
            continue
        text = path.read_text("utf-8")
        assert "print(" not in text, path.name
        assert "import rich" not in text.replace("from rich.progress", ""), path.name
