"""Boards: looking up, changing, and the place of images on no board."""

from __future__ import annotations

import pytest
from flow_play import Play, scripted

from invokeai_py_client._arguments import KnownId
from invokeai_py_client.board.board_handle import BoardHandle
from invokeai_py_client.board.board_repo import BoardRepository
from invokeai_py_client.board.models import Board, BoardVisibility
from invokeai_py_client.exceptions import (
    APIConnectionError,
    ArgumentError,
    BoardError,
    InternalServerError,
    NotFoundError,
)
from invokeai_py_client.image.models import board_reference
from invokeai_py_client.models import IvkImage
from invokeai_py_client.workflow.lookup.list_cache import ListCache


def board(board_id, name, **more):
    return {"board_id": board_id, "board_name": name, **more}


class Boards(Play):
    """A server with boards and images, as far as these tests need it; a runner."""

    def __init__(self, *boards, images=()):
        super().__init__(self.reply)
        self.boards = {item["board_id"]: item for item in boards}
        self.images = {image["image_name"]: image for image in images}

    def reply(self, request):
        path = request.path
        if path == "/api/v1/boards/":
            return self.listing(request)
        if path.startswith("/api/v1/boards/"):
            found = self.boards.get(path.rpartition("/")[2])
            return (200, found) if found else (404, {"detail": "Board not found"})
        if path == "/api/v1/images/":
            params = request.params
            wanted = params.get("categories")
            total = [
                image
                for image in self.images.values()
                if (image["board_id"] or "none") == params["board_id"]
                and (wanted is None or image["image_category"] in wanted)
            ]
            limit = params["limit"]
            return 200, {"items": total[:limit], "total": len(total)}
        if path == "/api/v1/board_images/" and request.method == "DELETE":
            return 201, {"removed_images": [request.json["image_name"]]}
        if path == "/api/v1/board_images/":
            if request.json["board_id"] not in self.boards:
                return 404, {"detail": "Board not found"}
            return 201, {"added_images": [request.json["image_name"]]}
        if path == "/api/v1/board_images/batch":
            if request.json["board_id"] not in self.boards:
                return 404, {"detail": "Board not found"}
            return 201, {"added_images": request.json["image_names"]}
        if path == "/api/v1/board_images/batch/delete":
            return 201, {"removed_images": request.json["image_names"]}
        found = self.images.get(path.rpartition("/")[2])
        return (200, found) if found else (404, {"detail": "Not Found"})

    def listing(self, request):
        assert request.params["all"] == "true"
        archived = request.params["include_archived"] == "true"
        return 200, [
            item
            for item in self.boards.values()
            if archived or not item.get("archived")
        ]


CATS = board("1", "Cats", image_count=2, asset_count=1)
DOGS = board("2", "Dogs", archived=True)
TWINS = (board("3", "Same"), board("4", "Same"))


def test_archived_boards_are_listed_when_asked_for_and_always_found():
    repository = BoardRepository(Boards(CATS, DOGS))
    assert [item.board_name for item in repository.list_boards()] == ["Cats"]
    every = repository.list_boards(include_archived=True)
    assert [item.board_name for item in every] == ["Cats", "Dogs"]
    assert repository.get_board_handle("Dogs").board_id == "2"


def test_names_are_exact_first_and_then_regardless_of_case():
    play = Boards(CATS, board("9", "cats"))
    repository = BoardRepository(play)
    assert repository.get_board_handle("cats").board_id == "9"
    assert repository.find_board("CATS x") is None
    with pytest.raises(BoardError, match="2 boards"):
        repository.find_board("CATS")
    assert len(repository.search_boards("CAT")) == 2


def test_an_ambiguous_name_lists_the_ids():
    repository = BoardRepository(Boards(*TWINS))
    with pytest.raises(BoardError, match="3, 4"):
        repository.get_board_handle("Same")
    assert len(repository.search_boards("Same")) == 2


def test_an_unknown_name_suggests():
    repository = BoardRepository(Boards(CATS, DOGS))
    with pytest.raises(BoardError, match="did you mean 'Cats'"):
        repository.get_board_handle("Catz")
    with pytest.raises(BoardError, match="'Cats', 'Dogs'"):
        repository.get_board_handle("zzzzzz")
    with pytest.raises(BoardError, match="no boards"):
        BoardRepository(Boards()).get_board_handle("x")


def test_a_reference_is_an_id_or_a_name_or_none():
    play = Boards(CATS, board("Cats", "other"))
    lists = ListCache()
    assert play.run(lists.board_id("none")) == "none"
    assert play.run(lists.board_id("Cats")) == "Cats"
    assert play.run(lists.board_id("other")) == "Cats"
    with pytest.raises(BoardError):
        play.run(lists.board_id("missing"))


def test_images_on_no_board_have_counts_and_a_handle():
    images = [
        {"image_name": "g", "image_category": "general", "board_id": None},
        {"image_name": "u", "image_category": "user", "board_id": None},
        {"image_name": "b", "image_category": "user", "board_id": "1"},
    ]
    repository = BoardRepository(Boards(CATS, images=images))
    nowhere = repository.get_board("none")
    assert (nowhere.image_count, nowhere.asset_count) == (1, 1)
    assert repository.get_board("none") == nowhere
    handle = repository.get_board_handle("none")
    assert handle.is_uncategorized
    assert handle.count_images() == 2


def test_the_place_of_images_on_no_board_cannot_be_changed():
    repository = BoardRepository(Boards())
    with pytest.raises(BoardError):
        repository.delete_board("none")
    with pytest.raises(BoardError):
        repository.update_board("none", name="x")


def test_counts_include_assets():
    play = Boards(CATS)
    assert BoardRepository(play).get_board_handle("1").count_images() == 3


def test_listing_a_missing_board_is_an_error_not_an_empty_list():
    handle = BoardHandle(_Streaming(Boards()), Board(board_id="gone", board_name="x"))
    with pytest.raises(NotFoundError):
        list(handle.iter_images())


class _Streaming:
    """A runner for streams over a `Play`."""

    def __init__(self, play):
        self.play = play

    def stream(self, flow):
        return iter(self.play.stream(flow))


def on_board(board_id):
    return {"image_name": "a.png", "image_category": "user", "board_id": board_id}


def test_moving_to_a_missing_board_raises():
    play = Boards(CATS, images=[on_board("1")])
    handle = BoardRepository(play).get_board_handle("1")
    with pytest.raises(NotFoundError):
        handle.move_image_to("a.png", KnownId("nope"))
    with pytest.raises(BoardError, match="'Cats'"):
        handle.move_image_to("a.png", "Cat")


def test_verbs_of_a_board_refuse_images_of_another():
    play = Boards(CATS, DOGS, images=[on_board("2")])
    handle = BoardRepository(play).get_board_handle("1")
    for verb in (
        handle.remove_image,
        handle.delete_image,
        handle.star_image,
        handle.unstar_image,
        lambda name: handle.move_image_to(name, "2"),
    ):
        with pytest.raises(BoardError, match="board 2"):
            verb("a.png")
    assert not any(line.startswith(("POST", "DELETE")) for line in play.lines)


def test_removing_uses_no_board_called_none():
    play = Boards(CATS, images=[on_board("1")])
    BoardRepository(play).get_board_handle("1").remove_image("a.png")
    assert play.lines[-1] == "DELETE /api/v1/board_images/"


def test_visibility_needs_a_second_request():
    play = Play(
        scripted(
            (201, board("1", "x", board_visibility="private")),
            (201, board("1", "x", board_visibility="shared")),
        )
    )
    handle = BoardRepository(play).create_board("x", visibility=BoardVisibility.SHARED)
    assert handle.board.board_visibility is BoardVisibility.SHARED
    assert play.requests[1].json == {"board_visibility": "shared"}
    play = Play(scripted((201, board("1", "x", board_visibility="private"))))
    BoardRepository(play).create_board("x", visibility=BoardVisibility.PRIVATE)
    assert len(play.requests) == 1


def test_an_unknown_cover_is_not_found():
    failure = (500, {"detail": "Failed to update board"})
    play = Play(scripted(failure, (404, {"detail": "Not Found"})))
    with pytest.raises(NotFoundError):
        BoardRepository(play).update_board(KnownId("1"), cover_image="gone.png")
    there = Play(scripted(failure, (200, board("1", "x"))))
    with pytest.raises(InternalServerError):
        BoardRepository(there).update_board(KnownId("1"), name="x")


def test_a_change_of_a_board_that_an_older_server_does_not_know_is_not_found():
    failure = (500, {"detail": "Failed to update board"})
    play = Play(scripted(failure, (404, {"detail": "Board not found"})))
    with pytest.raises(NotFoundError, match="Board not found"):
        BoardRepository(play).update_board(KnownId("1"), name="x")


def test_a_cover_the_server_does_not_show_is_an_error():
    answer = (201, board("1", "x", cover_image_name="newest.png"))
    with pytest.raises(BoardError, match="star the image"):
        BoardRepository(Play(scripted(answer))).update_board(
            KnownId("1"), cover_image="a.png"
        )


def test_an_update_of_nothing_is_refused():
    with pytest.raises(ValueError, match="something"):
        BoardRepository(Play(scripted())).update_board(KnownId("1"))


def test_deleting_says_what_became_of_the_images():
    answer = {
        "board_id": "1",
        "deleted_board_images": ["a"],
        "deleted_images": [],
        "failed_images": [],
    }
    play = Play(scripted((200, answer)))
    gone = BoardRepository(play).delete_board(Board.model_validate(CATS))
    assert gone.deleted_board_images == ["a"]
    assert play.requests[0].params == {"include_images": "false"}
    # The reply to a first try was lost; the second says 404.
    names = (200, {"image_names": []})
    play = Play(scripted(names, APIConnectionError("cut"), (404, {"detail": "x"})))
    assert (
        BoardRepository(play).delete_board(KnownId("1"), delete_images=True).board_id
        == "1"
    )


def test_a_board_is_given_as_id_snapshot_or_handle():
    handle = BoardHandle(Play(scripted()), Board.model_validate(CATS))
    for given in (handle, handle.board, KnownId("1")):
        assert board_reference(given) == "1"
        assert isinstance(board_reference(given), KnownId)
    assert not isinstance(board_reference("Cats"), KnownId)
    assert board_reference(None) == "none"
    for bad in (IvkImage(image_name="x", board_id="1"), 7):
        with pytest.raises(ArgumentError):
            board_reference(bad)
