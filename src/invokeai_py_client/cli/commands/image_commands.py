"""`ivk image`: images to and from a server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from invokeai_py_client._arguments.uploads import is_address
from invokeai_py_client.cli.command_options import Session, command, group
from invokeai_py_client.cli.commands.board_commands import find_board
from invokeai_py_client.cli.destroying import DryRunOption, YesOption, is_agreed
from invokeai_py_client.cli.errors import CliError
from invokeai_py_client.cli.render import Outcome, Table
from invokeai_py_client.cli.values import make_folder

if TYPE_CHECKING:
    from invokeai_py_client.image.image_handle import IvkImage

app = group("image", "Show, upload, download, list and delete images.")

BoardOption = Annotated[
    Optional[str],
    typer.Option("--board", metavar="BOARD", help="A board's name or id."),
]

NameOption = Annotated[
    Optional[str],
    typer.Option(
        "--name",
        metavar="TEMPLATE",
        help="Names of the files, such as '{index:05d}-{seed}' [their own].",
    ),
]


def board_id_of(session: Session, board: Optional[str]) -> Optional[str]:
    """The id of the board that an option names; None when it is not given."""
    return None if board is None else find_board(session, board).board_id


@command(app, "list")
def list_images(
    session: Session,
    board: BoardOption = None,
    category: Annotated[
        Optional[str], typer.Option(help="general, user, mask, control or other.")
    ] = None,
    search: Annotated[
        Optional[str], typer.Option(help="Text to search for in the metadata.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 50,
) -> Outcome:
    """List images and assets, newest first."""
    images = session.client.image_repo.list_images(
        board=board_id_of(session, board),
        categories=category,
        search=search,
        limit=limit,
    )
    return image_list(images)


def image_list(images: Sequence[IvkImage]) -> Outcome:
    """A list of images as a command shows it."""
    rows = [
        (
            image.image_name,
            f"{image.width}x{image.height}",
            image.image_category,
            image.board_id,
            image.created_at and image.created_at.strftime("%Y-%m-%d %H:%M:%S"),
        )
        for image in images
    ]
    view = Table(("NAME", "SIZE", "CATEGORY", "BOARD", "CREATED (UTC)"), rows)
    return Outcome(images, [view] if rows else ["no images"])


@command(app, "upload")
def upload(
    session: Session,
    # As text: a path would lose one of the slashes of an address.
    files: Annotated[list[str], typer.Argument(metavar="FILE...")],
    board: BoardOption = None,
) -> Outcome:
    """Upload image files and print their names on the server."""
    _refuse_addresses(files)
    absent = [name for name in files if not Path(name).is_file()]
    if absent:
        raise CliError("file_not_found", f"no such file: {', '.join(absent)}")
    board_id = board_id_of(session, board)
    images = []
    for path in files:
        session.renderer.note(f"uploading {path}")
        images.append(session.client.image_repo.upload_image(path, board=board_id))
    return Outcome(images, [image.image_name for image in images])


def _refuse_addresses(files: list[str]) -> None:
    for name in files:
        if is_address(name):
            shown = name if len(name) <= 100 else f"{name[:100]}…"
            raise CliError(
                "usage",
                f"{shown} is an address, which is not fetched",
                hint="download it first, such as with `curl -O ADDRESS`, and give the "
                "file: a path to an image file",
            )


@command(app, "download")
def download(
    session: Session,
    names: Annotated[Optional[list[str]], typer.Argument(metavar="NAME...")] = None,
    board: BoardOption = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="DIR", help="Folder; created if missing [the current one]."
        ),
    ] = Path(),
    name: NameOption = None,
) -> Outcome:
    """Download images by name, or all images of a board, and print their paths."""
    if bool(names) == bool(board):
        raise CliError("usage", "give either names of images or --board")
    wanted = list(names or ())
    if board:
        repo = session.client.image_repo
        wanted = repo.list_image_names(board=board_id_of(session, board))
    make_folder(out)
    if name is not None:
        # All at once: a name depends on those that are taken.
        saved = session.client.image_repo.download_images(wanted, out, name=name)
    else:
        saved = []
        for image in wanted:
            saved.append(session.client.image_repo.download_image(image, out))
            session.renderer.note(f"{len(saved)} of {len(wanted)}: {image}")
    data = [
        {"image_name": image, "path": path.absolute()}
        for image, path in zip(wanted, saved)
    ]
    return Outcome(data, [str(path) for path in saved] or ["no images"])


@command(app, "delete")
def delete(
    session: Session,
    names: Annotated[list[str], typer.Argument(metavar="NAME...")],
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> Outcome:
    """Delete images permanently."""
    what = f"delete {len(names)} images permanently"
    if not is_agreed(session, what, yes=yes, dry_run=dry_run):
        return Outcome({"would_delete": names}, names)
    for name in names:
        session.client.image_repo.delete_image(name)
        session.renderer.note(f"deleted {name}")
    return Outcome({"deleted": names}, [f"deleted {len(names)} images"])
