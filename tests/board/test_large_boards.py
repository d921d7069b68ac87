"""What a board of many images costs in requests: so many at most, however many it has.

docs/dev/performance.md has the seconds, with 5,000 images.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from media_files import png

from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient
from invokeai_py_client.simulator import SimulatedServer

COUNT = 250
PARTS = 3  # of a hundred at most
BOARD = "Many"


class Counted:
    """A client and what it sent since it was last asked."""

    def __init__(self, url):
        self.sent = []
        hooks = {"event_hooks": {"request": [self.sent.append]}}
        self.client = InvokeAIClient(url, http_options=hooks)

    def requests(self, method):
        self.sent.clear()
        result = method()
        return len(self.sent), result


@pytest.fixture
def server():
    with SimulatedServer() as running:
        yield running


@pytest.fixture
def counted(server):
    counted = Counted(server.url)
    repo = counted.client.image_repo
    board = counted.client.board_repo.create_board(BOARD)
    content = png(2, 2)
    with ThreadPoolExecutor(4) as pool:
        options = {"board": board, "category": "general"}
        list(pool.map(lambda _: repo.upload_image(content, **options), range(COUNT)))
    yield counted
    counted.client.close()


def test_reading_a_large_board_takes_a_few_requests(counted):
    boards, images = counted.client.board_repo, counted.client.image_repo
    gallery = counted.client.gallery_repo
    board = boards.get_board_handle(BOARD)
    found = board.list_images()
    assert len(found) == COUNT
    day = gallery.list_days()[0].date
    calls = {
        boards.list_boards: 1,
        lambda: boards.get_board(BOARD): 1,
        lambda: boards.get_board(None): 2,
        board.count_images: 1,
        board.list_images: 3,
        lambda: board.list_images(limit=10, offset=200): 2,
        lambda: list(board.iter_images()): 3,
        board.list_image_names: 1,
        lambda: images.get_images(found): 1,
        lambda: images.list_images(board=BOARD): 3,
        images.list_images: 2,
        lambda: images.list_image_names(board=BOARD): 2,
        lambda: images.count_images(board=BOARD): 2,
        lambda: gallery.list_items(board=BOARD): 2,
        lambda: gallery.list_item_names(board=BOARD): 2,
        lambda: gallery.list_item_refs(board=BOARD): 2,
        lambda: gallery.list_day_items(day): 1,
        lambda: board.move_image_to(found[0], None): 3,
    }
    for method, most in calls.items():
        assert counted.requests(method)[0] <= most


def test_changes_of_many_images_are_sent_a_hundred_at_a_time(counted):
    boards, images = counted.client.board_repo, counted.client.image_repo
    found = images.list_images(board=BOARD)
    for method in (
        lambda: images.star_images(found),
        lambda: images.unstar_images(found),
        lambda: images.move_images(found, board=None),
        lambda: images.move_images(found, board=boards.get_board(BOARD)),
        lambda: images.delete_images(found),
    ):
        sent, changes = counted.requests(method)
        assert sent <= PARTS + 1
        assert len(changes.changed) == COUNT


def test_a_large_board_is_deleted_with_its_images_in_parts(counted):
    images = counted.client.image_repo.list_image_names(board=BOARD)
    method = counted.client.board_repo.delete_board
    sent, gone = counted.requests(lambda: method(BOARD, delete_images=True))
    # It is looked up, by a server of known version, its images are listed, it goes.
    assert sent == PARTS + 4
    assert sorted(gone.deleted_images) == sorted(images)
    assert gone.failed_images == []
    assert counted.client.image_repo.count_images() == 0
    assert counted.client.board_repo.find_board(BOARD) is None


async def test_images_on_no_board_are_deleted_in_parts(counted, server):
    repo = counted.client.image_repo
    found = repo.list_images(board=BOARD)
    repo.move_images(found[:150], board=None)
    sent, changes = counted.requests(repo.delete_uncategorized_images)
    assert sent == 4
    assert sorted(changes.changed) == sorted(str(image) for image in found[:150])
    repo.move_images(found[150:], board=None)
    async with AsyncInvokeAIClient(server.url) as client:
        changes = await client.image_repo.delete_uncategorized_images()
    assert len(changes.changed) == 100
    assert repo.count_images() == 0
