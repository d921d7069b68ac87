"""Fifty mistakes of new users: what they write, and what they are told.

    python tests/docs/mistakes.py --write    # today's messages into the page

The page keeps the messages of the commit that it names; only today's are written.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
import textwrap
import warnings
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "dev" / "mistakes.md"
WORKFLOWS = REPOSITORY / "examples" / "workflows"

# Code that runs after `client` was made and `wf` was loaded from portrait.json, in a
# folder that has it; a line that begins with $ is a command.
MISTAKES: tuple[tuple[str, str], ...] = (
    ("A port instead of an address", "InvokeAIClient(9090)"),
    ("The address of the API", "InvokeAIClient('http://localhost:9090/api/v1')"),
    ("The address of the documentation", "InvokeAIClient('http://localhost:9090/docs')"),
    ("Another scheme", "InvokeAIClient('ws://localhost:9090')"),
    ("A port that is not a number", "InvokeAIClient('http://localhost:SECRET/')"),
    ("A password in the address", "InvokeAIClient('http://me:hunter2@host')"),
    ("An option of another library", "InvokeAIClient(timeout=5)"),
    ("A misspelt option", "InvokeAIClient(tokn='abc')"),
    ("A number as text", "InvokeAIClient(request_timeout='5')"),
    ("An e-mail address without a password", "InvokeAIClient(email='me@host')"),
    ("No server at the address", "InvokeAIClient('http://localhost:1').server_version()"),
    ("A name that other libraries have", "client.boards"),
    ("A method of another class", "client.board_repo.list()"),
    ("A misspelt file", "client.workflow_repo.load('potrait.json')"),
    ("A folder", "client.workflow_repo.load('.')"),
    ("A file that is not JSON", "client.workflow_repo.load('notes.txt')"),
    ("A file that lacks a comma", "client.workflow_repo.load('comma.json')"),
    ("A workflow of ComfyUI", "client.workflow_repo.load('comfy.json')"),
    ("An image without a workflow", "client.workflow_repo.load('photo.png')"),
    ("A workflow that is not in the library", "client.workflow_repo.load('My fox')"),
    ("A file where a definition is wanted", "client.workflow_repo.create_workflow(5)"),
    ("A prompt without its name", "wf.run('a fox')"),
    ("An input of another name", "wf['prompt'] = 'a fox'"),
    ("A misspelt input", "wf['setps'] = 20"),
    ("An attribute instead of an item", "wf.steps = 20"),
    ("Reading an input like an attribute", "wf.steps"),
    ("An index that is too large", "wf.get_input(99)"),
    ("A number as text in a field", "wf['steps'] = '20'"),
    ("A fraction of a step", "wf['steps'] = 20.5"),
    ("A size that is no multiple of eight", "wf['width'] = 100"),
    ("A value below the least", "wf['steps'] = 0"),
    ("A scheduler that does not exist", "wf['scheduler'] = 'euler_x'"),
    ("A model that is not installed", "wf.preview(model='Juggernaut XL')"),
    ("No model at all", "wf.run(positive_prompt='a fox')"),
    ("A random seed in other words", "wf.run(seed='rand')"),
    ("A seed below zero", "wf.run(seed=-1)"),
    ("No runs", "wf.run(runs=0)"),
    ("A board that does not exist", "wf.run(board='Lighthouses')"),
    ("An option of another method", "wf.submit(timeout=60)"),
    ("A progress bar that is only asked for", "wf.run(on_progress=True)"),
    ("A function of the wrong shape", "wf.run(on_progress=lambda: None)"),
    ("Waiting before submitting", "wf.wait_for_completion()"),
    ("The image of a submission", "wf.submit(model='Simulated SD 1.5').image"),
    ("A time that is over already", "wf.run(timeout=-1)"),
    ("Workflows that are none", "client.submit_many([wf, {}])"),
    ("An image that does not exist", "client.image_repo.upload_image('fox.png')"),
    ("A file that is not an image", "client.image_repo.upload_image('notes.txt')"),
    ("A status that does not exist", "client.queue_repo.list_jobs(status='done')"),
    ("A status that does not exist, in the shell", "$ ivk queue list --status done"),
    ("A misspelt file in the shell", "$ ivk workflow run potrait.json"),
)  # fmt: skip


def run_all(folder: Path) -> list[str]:
    """What is said of each mistake, in order; made in `folder`, on a simulator."""
    from invokeai_py_client import InvokeAIClient
    from invokeai_py_client.simulator import SimulatedServer

    for path in WORKFLOWS.glob("*.json"):
        shutil.copy(path, folder)
    (folder / "notes.txt").write_text("- buy milk\n")
    (folder / "comma.json").write_text('{"name": "x"\n "nodes": []}\n')
    (folder / "comfy.json").write_text(
        '{"3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20}}}'
    )
    from PIL import Image

    Image.new("RGB", (8, 8)).save(folder / "photo.png")
    before = Path.cwd()
    os.chdir(folder)
    try:
        with SimulatedServer() as server, InvokeAIClient(server.url) as client:
            said = []
            for _, code in MISTAKES:
                wf = client.workflow_repo.load("portrait.json")
                names = {"client": client, "wf": wf, "InvokeAIClient": InvokeAIClient}
                told = _told(code, names, server.url)
                said.append(_plain(told, folder, server.url))
            return said
    finally:
        os.chdir(before)


def _told(code: str, names: dict[str, Any], url: str) -> str:
    if code.startswith("$ ivk "):
        from invokeai_py_client.cli import main

        heard = io.StringIO()
        with contextlib.redirect_stderr(heard), contextlib.redirect_stdout(heard):
            main([*code.split()[2:], "--url", url])
        return heard.getvalue().strip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(code, names)
    except Exception as error:  # noqa: BLE001  it is what is shown
        return f"{type(error).__name__}: {error}"
    return "(nothing)"


def _plain(text: str, folder: Path, url: str) -> str:
    """Without what is different each time: ports, folders, addresses of objects."""
    for name in {str(folder), str(folder.resolve())}:
        text = text.replace(name, "/home/me")
    text = text.replace(url, "http://localhost:9090")
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "…", text)
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def sections(text: str) -> list[tuple[str, str, str, str]]:
    """Title, code, the message then and today's, of each section of the page."""
    found = re.findall(
        r"^## \d+\. (.*?)\n\n```(?:python|console)\n(.*?)\n```\n\n"
        r"Before:\n\n```text\n(.*?)\n```\n\nToday:\n\n```text\n(.*?)\n```$",
        text,
        re.M | re.S,
    )
    return [(title, code, then, now) for title, code, then, now in found]


def unwrapped(text: str) -> str:
    return " ".join(text.split())


def page(then: list[str], now: list[str], head: str) -> str:
    """The whole page."""
    parts = [head]
    for number, ((title, code), old, new) in enumerate(zip(MISTAKES, then, now), 1):
        kind = "console" if code.startswith("$") else "python"
        parts.append(
            f"## {number}. {title}\n\n```{kind}\n{code}\n```\n\n"
            f"Before:\n\n```text\n{_wrapped(old)}\n```\n\n"
            f"Today:\n\n```text\n{_wrapped(new)}\n```\n"
        )
    return "\n".join(parts)


def _wrapped(text: str) -> str:
    return textwrap.fill(
        unwrapped(text), 88, break_long_words=False, break_on_hyphens=False
    )


def main() -> None:
    """Write today's messages to the standard output, or into the page."""
    with tempfile.TemporaryDirectory() as folder:
        now = run_all(Path(folder))
    if "--write" not in sys.argv:
        for (title, code), text in zip(MISTAKES, now):
            sys.stdout.write(f"{title}\n    {code}\n    {text}\n\n")
        return
    text = PAGE.read_text("utf-8")
    then = [old for _, _, old, _ in sections(text)]
    head = text[: text.index("## 1. ")].rstrip() + "\n"
    PAGE.write_text(page(then, now, head), "utf-8")


if __name__ == "__main__":
    main()
