"""`ivk image`: pictures to and from a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from invokeai_py_client.cli.board_commands import find_board
from invokeai_py_client.cli.commands import Session, command, group
from invokeai_py_client.cli.errors import CliError
from invokeai_py_client.cli.render import Outcome, Table

__all__ = ["app"]

app = group("image", "Upload, download, list and delete images.")

BoardOption = Annotated[
    Optional[str],
    typer.Option("--board", metavar="BOARD", help="A board's name or id."),
]


def _board_id(session: Session, board: Optional[str]) -> Optional[str]:
    return None if board is None else find_board(session, board).board_id


def _image_rows(images: list[Any]) -> Any:
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
    return Table(("NAME", "SIZE", "CATEGORY", "BOARD", "CREATED (UTC)"), rows)


@command(app, "list")
def list_images(
    session: Session,
    board: BoardOption = None,
    category: Annotated[
        Optional[str],
        typer.Option(help="general, user, mask, control or other."),
    ] = None,
    search: Annotated[
        Optional[str], typer.Option(help="Text to find in the metadata.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 50,
) -> Outcome:
    """List images and assets, newest first."""
    images = list(
        session.client.image_repo.list_images(
            board=_board_id(session, board),
            categories=category,
            search=search,
            limit=limit,
        )
    )
    return Outcome(images, [_image_rows(images)] if images else ["no images"])


@command(app, "upload")
def upload(
    session: Session,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...")],
    board: BoardOption = None,
) -> Outcome:
    """Upload picture files; prints the names that the server gives them."""
    absent = [str(path) for path in files if not path.is_file()]
    if absent:
        raise CliError("file_not_found", f"no such file: {', '.join(absent)}")
    board_id = _board_id(session, board)
    images = []
    for path in files:
        session.renderer.note(f"uploading {path}")
        images.append(session.client.image_repo.upload(path, board=board_id))
    return Outcome(images, [image.image_name for image in images])


@command(app, "download")
def download(
    session: Session,
    names: Annotated[Optional[list[str]], typer.Argument(metavar="NAME...")] = None,
    board: BoardOption = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder, made when missing.")
    ] = Path(),
) -> Outcome:
    """Download images by name, or all of a board; prints the files' paths."""
    if bool(names) == bool(board):
        raise CliError("usage", "name images, or a board with --board")
    wanted = list(names or ())
    if board:
        repo = session.client.image_repo
        wanted = repo.list_image_names(board=_board_id(session, board))
    out.mkdir(parents=True, exist_ok=True)
    saved = []
    for name in wanted:
        saved.append(session.client.image_repo.download(name, out))
        session.renderer.note(f"{len(saved)} of {len(wanted)}: {name}")
    data = [
        {"image_name": name, "path": path.absolute()}
        for name, path in zip(wanted, saved)
    ]
    return Outcome(data, [str(path) for path in saved] or ["no images"])


@command(app, "delete")
def delete(
    session: Session,
    names: Annotated[list[str], typer.Argument(metavar="NAME...")],
) -> Outcome:
    """Delete images for good."""
    for name in names:
        session.client.image_repo.delete(name)
        session.renderer.note(f"deleted {name}")
    return Outcome({"deleted": names}, [f"deleted {len(names)} images"])
