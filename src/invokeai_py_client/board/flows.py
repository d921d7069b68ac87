"""What can be done with boards, as flows."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NoReturn, Optional, TypeVar

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.send import (
    call,
    call_model,
    changes_of,
    delete,
    get,
    learn_version,
    patch,
    post,
    require_version,
    route,
)
from invokeai_py_client._core.versions import is_at_least
from invokeai_py_client.board.models import Board, BoardVisibility, DeletedBoard
from invokeai_py_client.exceptions import BoardError, InternalServerError
from invokeai_py_client.image import change_flows, media_flows
from invokeai_py_client.image import flows as image_flows
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.models import (
    UNCATEGORIZED,
    ImageBase,
    ImageCategory,
)
from invokeai_py_client.image.query import ImageQuery

BOARDS = "/api/v1/boards/"
BOARD = "/api/v1/boards/{}"

HandleT = TypeVar("HandleT")

ASSETS = tuple(
    category.value for category in ImageCategory if category != ImageCategory.GENERAL
)


def list_boards(
    include_archived: bool = False,
    order_by: str = "created_at",
    newest_first: bool = True,
) -> Flow[list[Board]]:
    """All boards; asked for in one piece, since the pages' `total` is wrong."""
    request = get(
        BOARDS,
        params={
            "all": "true",
            "include_archived": str(include_archived).lower(),
            "order_by": order_by,
            "direction": "DESC" if newest_first else "ASC",
        },
    )
    return (yield from call_model(list[Board], request))


def get_board(board_id: str) -> Flow[Board]:
    """One board; ``"none"`` gives the place of the images on no board."""
    if board_id == UNCATEGORIZED:
        return (yield from get_uncategorized())
    return (yield from call_model(Board, get(route(BOARD, board_id))))


def get_uncategorized() -> Flow[Board]:
    """The images on no board as a board; the server has no record of its own."""
    everything = ImageQuery(board_id=UNCATEGORIZED)
    images = yield from media_flows.count(
        IMAGE, replace(everything, categories=(ImageCategory.GENERAL.value,))
    )
    assets = yield from media_flows.count(IMAGE, replace(everything, categories=ASSETS))
    return Board(
        board_id=UNCATEGORIZED,
        board_name="Uncategorized",
        image_count=images,
        asset_count=assets,
    )


def get_handle(make: Callable[[Board], HandleT], board_id: str) -> Flow[HandleT]:
    """A handle for a board that exists."""
    return make((yield from get_board(board_id)))


def get_boards_by_name(name: str) -> Flow[list[Board]]:
    """All boards of exactly this name, archived ones included, newest first."""
    boards = yield from list_boards(include_archived=True)
    return [board for board in boards if board.board_name == name]


def find_board_by_name(name: str) -> Flow[Optional[Board]]:
    """The board of this name; None when there is none, an error when several."""
    boards = yield from list_boards(include_archived=True)
    return pick_by_name(boards, name)


def get_board_by_name(name: str) -> Flow[Board]:
    """The one board of this name."""
    boards = yield from list_boards(include_archived=True)
    board = pick_by_name(boards, name)
    if board is None:
        raise_unknown_name(boards, name)
    return board


def get_handle_by_name(make: Callable[[Board], HandleT], name: str) -> Flow[HandleT]:
    """A handle for the one board of this name."""
    return make((yield from get_board_by_name(name)))


def find_board_id(boards: Sequence[Board], reference: str) -> str:
    """The id of the board among `boards` that has this id or name.

    Raises:
        BoardError: Neither an id nor a name, or a name that several boards have.
    """
    if any(board.board_id == reference for board in boards):
        return reference
    board = pick_by_name(boards, reference)
    if board is None:
        raise_unknown_name(boards, reference)
    return board.board_id


def pick_by_name(boards: Sequence[Board], name: str) -> Optional[Board]:
    """The board called `name`, else the only one that is when case is ignored.

    Raises:
        BoardError: Several boards have this name.
    """
    same = [board for board in boards if board.board_name == name]
    same = same or [
        board for board in boards if board.board_name.casefold() == name.casefold()
    ]
    if len(same) > 1:
        ids = ", ".join(board.board_id for board in same)
        raise BoardError(
            f"{len(same)} boards are called {name!r}",
            hint=f"use one of their ids: {ids}",
        )
    return same[0] if same else None


def raise_unknown_name(boards: Sequence[Board], name: str) -> NoReturn:
    """Raise the error for a name that no board has, with those that come near."""
    names = {board.board_name.casefold(): board.board_name for board in boards}
    near = difflib.get_close_matches(name.casefold(), names, n=3, cutoff=0.6)
    if near:
        hint = "did you mean " + " or ".join(repr(names[key]) for key in near) + "?"
    elif names:
        shown = sorted(names.values())[:10]
        more = len(names) - len(shown)
        hint = "there are " + ", ".join(repr(other) for other in shown)
        hint += f" and {more} more" if more else ""
    else:
        hint = "the server has no boards"
    raise BoardError(f"there is no board {name!r}", hint=hint)


def create_board(
    make: Callable[[Board], HandleT],
    name: str,
    visibility: Optional[BoardVisibility] = None,
) -> Flow[HandleT]:
    """Make a board; visibility takes a second request, the first cannot set it."""
    if visibility is not None:
        yield from _require_visibility()
    request = post(BOARDS, params={"board_name": name})
    board = yield from call_model(Board, request)
    if visibility is not None and board.board_visibility != visibility:
        board = yield from update_board(board.board_id, visibility=visibility)
    return make(board)


def update_board(
    board_id: str,
    *,
    name: Optional[str] = None,
    archived: Optional[bool] = None,
    visibility: Optional[BoardVisibility] = None,
    cover_image: Optional[str] = None,
) -> Flow[Board]:
    """Change a board; what is None stays."""
    _require_real(board_id, "changed")
    values: dict[str, Any] = {
        "board_name": name,
        "archived": archived,
        "board_visibility": None
        if visibility is None
        else str(BoardVisibility(visibility)),
        "cover_image_name": cover_image,
    }
    changes = changes_of("update_board", values)
    if visibility is not None:
        yield from _require_visibility()
    request = patch(route(BOARD, board_id), json=changes)
    try:
        board = yield from call_model(Board, request)
    except InternalServerError:
        # An unknown cover is a failure of the server, before 6.12 an unknown board
        # too; reading the records gives the NotFoundError it should have been.
        if cover_image is not None:
            yield from call(get(IMAGE.path(cover_image)))
        yield from get_board(board_id)
        raise
    if cover_image not in (None, board.cover_image_name):
        raise BoardError(
            f"the server kept {board.cover_image_name} as the cover of {board_id}",
            hint="it shows the newest starred image, else the newest; star the image",
        )
    return board


def _require_visibility() -> Flow[None]:
    """Private, shared or public: older servers refuse or ignore the word."""
    yield from require_version("the visibility of boards", "6.13")


def delete_board(board_id: str, delete_images: bool = False) -> Flow[DeletedBoard]:
    """Delete a board, and its images when asked to."""
    _require_real(board_id, "deleted")
    if not is_at_least((yield from learn_version()), "6.12"):
        # These servers say that they deleted a board which never was.
        yield from get_board(board_id)
    request = delete(
        route(BOARD, board_id),
        params={"include_images": str(delete_images).lower()},
    )
    data = yield from call_or_gone(request)
    return parse(DeletedBoard, {"board_id": board_id, **data})


def call_or_gone(request: Any) -> Flow[dict[str, Any]]:
    """Send a DELETE; an empty answer when an earlier try had done it already."""
    data = yield from call(request)
    return data if isinstance(data, dict) else {}


def _require_real(board_id: str, verb: str) -> None:
    if board_id == UNCATEGORIZED:
        raise BoardError(f"the place of images on no board cannot be {verb}")


def list_image_names(
    board_id: str,
    categories: Optional[Sequence[str]] = None,
    is_intermediate: Optional[bool] = None,
) -> Flow[list[str]]:
    """The names of a board's images; ``"none"`` gives those on no board."""
    params = {
        "categories": None if categories is None else list(categories),
        "is_intermediate": None
        if is_intermediate is None
        else str(is_intermediate).lower(),
    }
    request = get(route(BOARD + "/image_names", board_id), params=params)
    return (yield from call_model(list[str], request))


def image_count(board_id: str) -> Flow[int]:
    """Images and assets on a board."""
    return (yield from get_board(board_id)).total_count


def require_on_board(board_id: str, name: str) -> Flow[None]:
    """Raise unless the image is on this board."""
    image = yield from image_flows.get_image(ImageBase.bound_to(None), name)
    actual = image.board_id or UNCATEGORIZED
    if actual != board_id:
        where = "on no board" if actual == UNCATEGORIZED else f"on board {actual}"
        raise BoardError(f"image {name} is not on board {board_id} but {where}")


def move_image(board_id: str, name: str, target_id: str) -> Flow[None]:
    """Move an image of this board to another one."""
    yield from require_on_board(board_id, name)
    yield from change_flows.move_image(name, target_id)


def delete_image(board_id: str, name: str) -> Flow[None]:
    """Delete an image of this board for good."""
    yield from require_on_board(board_id, name)
    yield from change_flows.delete_image(name)


def star_image(board_id: str, name: str, starred: bool) -> Flow[None]:
    """Star or unstar an image of this board."""
    yield from require_on_board(board_id, name)
    yield from change_flows.star_image(name, starred)


__all__ = [
    "create_board",
    "delete_board",
    "delete_image",
    "find_board_by_name",
    "find_board_id",
    "get_board",
    "get_board_by_name",
    "get_boards_by_name",
    "get_handle",
    "get_handle_by_name",
    "get_uncategorized",
    "image_count",
    "list_boards",
    "list_image_names",
    "move_image",
    "star_image",
    "update_board",
]
