"""`ivk image show`, `search` and `rerun`: what made an image, and making it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from invokeai_py_client.cli.command_options import Session, command
from invokeai_py_client.cli.commands.image_commands import (
    BoardOption,
    NameOption,
    app,
    board_id_of,
    image_list,
)
from invokeai_py_client.cli.commands.workflow_commands import (
    SetNodeOption,
    SetOption,
)
from invokeai_py_client.cli.commands.workflow_run import (
    OutOption,
    ResultBoardOption,
    SeedOption,
    TimeoutOption,
    image_folder,
    name_template,
    waited,
)
from invokeai_py_client.cli.render import Outcome, Table, picked
from invokeai_py_client.cli.values import (
    apply_node_values,
    apply_values,
    read_seed,
)

if TYPE_CHECKING:
    from invokeai_py_client.recipe.recipe import Recipe
    from invokeai_py_client.recipe.values import RecipeValue
    from invokeai_py_client.workflow.workflow_handle import WorkflowHandle

ImageArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME|PNG", help="An image's name on the server, or a local file."
    ),
]


@command(app, "show")
def show(session: Session, image: ImageArgument) -> Outcome:
    """Show what made an image: prompt, seed, model, steps and every input.

    Each value says where it is known from. A local file needs no server.
    """
    recipe = _recipe(session, image)
    size = None if recipe.size is None else "x".join(map(str, recipe.size))
    view: list[Any] = [
        Table(("IMAGE", "SIZE"), [(recipe.image, size)]),
        "",
        _table("VALUE", recipe.values.values()),
    ]
    if recipe.inputs:
        view += ["", _table("INPUT", recipe.inputs.values())]
    data = {
        "image": recipe.image,
        "size": recipe.size,
        "values": list(map(_data, recipe.values.values())),
        "inputs": list(map(_data, recipe.inputs.values())),
        "notes": recipe.notes,
    }
    return Outcome(data, view, warnings=recipe.notes)


@command(app, "search")
def search(
    session: Session,
    prompt: Annotated[
        Optional[str],
        typer.Argument(metavar="[TEXT]", help="Part of the prompt, in any case."),
    ] = None,
    model: Annotated[
        Optional[str],
        typer.Option(
            metavar="MODEL", help="Part of a model's or LoRA's name, a key or hash."
        ),
    ] = None,
    seed: Annotated[Optional[int], typer.Option(help="The seed.")] = None,
    board: BoardOption = None,
    since: Annotated[
        Optional[str],
        typer.Option(metavar="TIME", help="Made since then (UTC), as 2026-03-18."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 50,
) -> Outcome:
    """Find images by what made them, newest first.

    The first search of a server reads what is stored with every image, which takes long
    for many; later ones read the new images alone.
    """
    images = session.client.image_repo.search_images(
        prompt=prompt,
        model=model,
        seed=seed,
        board=board_id_of(session, board),
        since=since,
        limit=limit,
    )
    return image_list(images)


@command(app, "rerun")
def rerun(
    session: Session,
    image: ImageArgument,
    settings: SetOption = None,
    node_settings: SetNodeOption = None,
    seed: SeedOption = "keep",
    board: ResultBoardOption = None,
    out: OutOption = None,
    name: NameOption = None,
    timeout: TimeoutOption = None,
) -> Outcome:
    """Make an image again, with the values that made it or others.

    Without other values, it says whether the pixels are the same and, if they are not,
    what may be the reason.
    """
    template = name_template(out, name)
    path = Path(image)
    images = session.client.image_repo
    source = path if path.exists() else images.get_image(image)
    handle = session.client.workflow_repo.load(source)
    apply_values(handle, settings or ())
    apply_node_values(handle, node_settings or ())
    folder = image_folder(out, template, handle)
    options = {"seed": read_seed(seed), "board": board}
    outcome = waited(session, handle, folder, timeout, image, options)
    warnings = [*(w.message for w in handle.warnings), *outcome.warnings]
    data = {"rerun_of": image, **outcome.data, "same_pixels": None, "reasons": []}
    notes = list(outcome.notes)
    has_same_values = not settings and not node_settings and seed == "keep"
    if has_same_values and outcome.failure is None:
        data["same_pixels"], data["reasons"] = _compared(session, image, handle, data)
        notes += _told(data)
    return replace(outcome, data=data, notes=notes, warnings=warnings)


def _compared(
    session: Session, image: str, handle: WorkflowHandle, data: Mapping[str, Any]
) -> tuple[Optional[bool], list[str]]:
    """Whether the new image is the old one, and what may be the reason if not."""
    from invokeai_py_client.recipe.same_pixels import same_pixels

    images = session.client.image_repo
    made = [item["image_name"] for job in data["jobs"] for item in job["images"]]
    if not made:
        return None, ["no image was made"]
    if image in made:
        return True, ["the server had it in its cache, and made none"]
    path = Path(image)
    old = path.read_bytes() if path.exists() else images.get_image_bytes(image)
    answers = [same_pixels(old, images.get_image_bytes(new)) for new in made]
    if True in answers:
        return True, []
    if None in answers:
        return None, ["comparing them takes Pillow, the extra `images`"]
    lost = [w.message for w in handle.warnings if w.kind == "unknown_value"]
    then = _recipe(session, image).values.get("app_version")
    now = session.client.server_version()
    if then is not None and then.value != now:
        lost.append(f"InvokeAI {then.value} made it, and this server is {now}")
    lost.append("another device, driver or library draws other pixels")
    return False, lost


def _told(data: Mapping[str, Any]) -> list[str]:
    same, reasons = data["same_pixels"], data["reasons"]
    if same is None:
        return [f"not compared with {data['rerun_of']}: {reasons[0]}"]
    if same:
        return [f"the same pixels as {data['rerun_of']}", *reasons]
    why = (f"possible reason: {reason}" for reason in reasons)
    return [f"other pixels than {data['rerun_of']}", *why]


def _recipe(session: Session, image: str) -> Recipe:
    from invokeai_py_client.recipe.recipe import Recipe

    if Path(image).exists():
        return Recipe.from_file(image)
    return session.client.image_repo.get_image(image).recipe()


def _data(value: RecipeValue) -> dict[str, Any]:
    names = ("name", "value", "source", "node_id", "field_name", "note")
    return picked(value, *names)


def _table(head: str, values: Iterable[RecipeValue]) -> Table:
    rows = [
        (v.name, v.shown if v.is_known else None, v.source, v.place or v.note)
        for v in values
    ]
    return Table((head, "IS", "SOURCE", "NODE"), rows)
