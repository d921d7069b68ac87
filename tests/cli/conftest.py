"""Runs command lines in this process."""

from __future__ import annotations

import json

import pytest

from invokeai_py_client.cli import main


@pytest.fixture
def ivk(capsys):
    """Run a command in this process: exit code, standard output, standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def ivk_json(ivk):
    """Run a command with --json: exit code and envelope, which must be all there is."""

    def run(*words: object) -> tuple[int, dict]:
        code, out, _ = ivk(*words, "--json")
        envelope = json.loads(out)
        assert list(envelope) == [
            "schema", "ok", "command", "data", "error", "warnings",
        ]  # fmt: skip
        assert envelope["schema"] == "ivk/1"
        assert envelope["ok"] is (code == 0)
        assert (envelope["error"] is None) is envelope["ok"]
        return code, envelope

    return run
