"""`ivk board`: the boards of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from invokeai_py_client.cli.command_options import Session, command, group
from invokeai_py_client.cli.destroying import DryRunOption, YesOption, is_agreed
from invokeai_py_client.cli.errors import CliError
from invokeai_py_client.cli.render import Outcome, Table

if TYPE_CHECKING:
    from invokeai_py_client.board.models import Board

app = group("board", "List, create, rename and delete boards.")

BoardArgument = Annotated[str, typer.Argument(metavar="BOARD", help="Name or id.")]


def find_board(session: Session, text: str) -> Board:
    """The board with this name or id; `none` means the images on no board."""
    boards = session.client.board_repo
    found = boards.find_board(text)
    if found is None:
        known = boards.list_boards(include_archived=True)
        raise CliError(
            "not_found",
            f"there is no board {text!r}",
            hint="`ivk board list --archived` lists all of them",
            candidates=[board.board_name for board in known],
        )
    return found


@command(app, "list")
def list_boards(
    session: Session,
    archived: Annotated[
        bool, typer.Option("--archived", help="List archived boards as well.")
    ] = False,
) -> Outcome:
    """List the boards, newest first."""
    boards = session.client.board_repo.list_boards(include_archived=archived)
    rows = [
        (board.board_name, board.board_id, board.image_count, board.asset_count)
        for board in boards
    ]
    view = Table(("NAME", "ID", "IMAGES", "ASSETS"), rows)
    return Outcome(boards, [view] if rows else ["no boards"])


@command(app, "create")
def create(
    session: Session, name: Annotated[str, typer.Argument(metavar="NAME")]
) -> Outcome:
    """Create a board. The server allows several boards with the same name."""
    handle = session.client.board_repo.create_board(name)
    board = session.client.board_repo.get_board(handle.board_id)
    return Outcome(board, [f"created board {board.board_name!r}: {board.board_id}"])


@command(app, "rename")
def rename(
    session: Session,
    board: BoardArgument,
    name: Annotated[str, typer.Argument(metavar="NEW_NAME")],
) -> Outcome:
    """Rename a board."""
    found = find_board(session, board)
    changed = session.client.board_repo.update_board(found.board_id, name=name)
    return Outcome(changed, [f"renamed {found.board_name!r} to {changed.board_name!r}"])


@command(app, "delete")
def delete(
    session: Session,
    board: BoardArgument,
    images: Annotated[
        bool, typer.Option("--images", help="Delete its images too, permanently.")
    ] = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> Outcome:
    """Delete a board. Its images are kept, on no board, unless --images is given."""
    found = find_board(session, board)
    count = found.image_count + found.asset_count
    fate = "with" if images else "and keep"
    what = f"delete the board {found.board_name!r} {fate} its {count} images"
    if not is_agreed(session, what, yes=yes or not images, dry_run=dry_run):
        return Outcome({"would_delete": found}, [found.board_id])
    result = session.client.board_repo.delete_board(
        found.board_id, delete_images=images
    )
    count = len(result.deleted_images if images else result.deleted_board_images)
    fate = "deleted" if images else "are on no board now"
    line = f"deleted board {found.board_name!r}; {count} images {fate}"
    return Outcome(result, [line])
