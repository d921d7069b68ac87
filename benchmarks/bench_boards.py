"""A board of 5,000 images: requests and seconds of every method that may touch all.

    python benchmarks/bench_boards.py                       # the simulator
    python benchmarks/bench_boards.py --url http://…        # a server of your own

Everything on the server's boards named here, and its intermediate images, is deleted.
"""

from __future__ import annotations

import argparse
import io
import itertools
import struct
import tempfile
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable

from side_by_side import simulated_server

from invokeai_py_client import InvokeAIClient


def tiny_png(number: int) -> bytes:
    """An image of 2 x 2 pixels, different for each number."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)
    color = number.to_bytes(3, "big")
    rows = zlib.compress((b"\0" + color * 2) * 2)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )


@contextmanager
def server(url: str) -> Iterator[str]:
    """The address of the server to measure."""
    if url:
        yield url
        return
    with simulated_server(0.0) as simulated:
        yield simulated


class Bench:
    """Calls methods, and counts their requests and seconds."""

    def __init__(self, url: str) -> None:
        self.requests = 0
        hooks = {"event_hooks": {"request": [self._count]}}
        self.client = InvokeAIClient(url, http_options=hooks, request_timeout=120)

    def _count(self, _: Any) -> None:
        self.requests += 1

    def call(self, name: str, method: Callable[[], Any]) -> Any:
        """Call it, and print a row of the table."""
        before, started = self.requests, time.monotonic()
        result = method()
        seconds = time.monotonic() - started
        print(f"| `{name}` | {self.requests - before} | {seconds:.2f} |", flush=True)
        return result

    def upload(self, board: str, count: int, seconds: float) -> int:
        """Upload images by eight connections, for so long at most; how many."""
        end = time.monotonic() + seconds
        repo = self.client.image_repo
        board_id = self.client.board_repo.get_board(board).board_id

        def one(number: int) -> int:
            if time.monotonic() > end:
                return 0
            repo.upload_image(
                io.BytesIO(tiny_png(number)), board=board_id, category="general"
            )
            return 1

        with ThreadPoolExecutor(8) as pool:
            return sum(pool.map(one, range(count)))

    def measure(self, board: str, folder: Path) -> None:
        """Every method of boards, images and the gallery that can touch many."""
        client, call = self.client, self.call
        boards, images, gallery = (
            client.board_repo,
            client.image_repo,
            client.gallery_repo,
        )
        call("board_repo.list_boards", boards.list_boards)
        call("board_repo.get_board", lambda: boards.get_board(board))
        call("board_repo.find_board", lambda: boards.find_board(board))
        call("board_repo.search_boards", lambda: boards.search_boards(board))
        call("board_repo.get_board(None)", lambda: boards.get_board(None))
        handle = call(
            "board_repo.get_board_handle", lambda: boards.get_board_handle(board)
        )
        call(
            "board_repo.update_board",
            lambda: boards.update_board(board, archived=False),
        )
        call("board.get_board", handle.get_board)
        call("board.count_images", handle.count_images)
        found = call("board.list_images", handle.list_images)
        call("board.list_images(limit=100)", lambda: handle.list_images(limit=100))
        call(
            "board.list_images(offset=4000, limit=10)",
            lambda: handle.list_images(offset=4000, limit=10),
        )
        call("board.list_images(search=…)", lambda: handle.list_images(search="fox"))
        call(
            "board.iter_images, the first",
            lambda: next(iter(handle.iter_images())),
        )
        call("board.iter_images", lambda: sum(1 for _ in handle.iter_images()))
        call(
            "board.iter_images, 1,500",
            lambda: list(itertools.islice(handle.iter_images(), 1500)),
        )
        call("board.list_image_names", handle.list_image_names)
        one = found[len(found) // 2]
        call("board.star_image", lambda: handle.star_image(one))
        call("board.unstar_image", lambda: handle.unstar_image(one))
        call("board.remove_image", lambda: handle.remove_image(one))
        call(
            "image_repo.move_images, one",
            lambda: images.move_images([one], board=board),
        )
        call("image_repo.get_image", lambda: images.get_image(one))
        call("image_repo.get_images, all", lambda: images.get_images(found))
        call("image_repo.image_exists", lambda: images.image_exists(one))
        call("image_repo.list_images(board=…)", lambda: images.list_images(board=board))
        call("image_repo.list_images()", images.list_images)
        call("image_repo.list_image_names", images.list_image_names)
        call("image_repo.count_images", lambda: images.count_images(board=board))
        call("image_repo.star_images, all", lambda: images.star_images(found))
        call("image_repo.unstar_images, all", lambda: images.unstar_images(found))
        call("gallery_repo.list_items", lambda: gallery.list_items(board=board))
        call(
            "gallery_repo.iter_items, the first",
            lambda: next(iter(gallery.iter_items(board=board))),
        )
        call(
            "gallery_repo.list_item_names", lambda: gallery.list_item_names(board=board)
        )
        call("gallery_repo.list_item_refs", lambda: gallery.list_item_refs(board=board))
        days = call("gallery_repo.list_days", gallery.list_days)
        day = days[0].date
        call("gallery_repo.list_day_items", lambda: gallery.list_day_items(day))
        call(
            "gallery_repo.list_day_image_names",
            lambda: gallery.list_day_image_names(day),
        )
        call(
            "image_repo.download_images, 500",
            lambda: images.download_images(found[:500], folder),
        )
        call(
            "board.download_images_as_zip",
            lambda: handle.download_images_as_zip(folder / "all.zip"),
        )
        other = boards.create_board(f"{board} 2")
        call(
            "image_repo.move_images, all",
            lambda: images.move_images(found, board=other.board),
        )
        call(
            "image_repo.move_images(board=None)",
            lambda: images.move_images(found, board=None),
        )
        images.move_images(found, board=other.board)
        call(
            "image_repo.delete_images, 1,500",
            lambda: images.delete_images(found[:1500]),
        )
        call("image_repo.count_intermediate_images", images.count_intermediate_images)
        call("image_repo.delete_intermediate_images", images.delete_intermediate_images)
        call(
            "board_repo.delete_board(delete_images=True)",
            lambda: boards.delete_board(other.board, delete_images=True),
        )
        boards.delete_board(board)


def main() -> None:
    """Upload, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", default="")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--upload-seconds", type=float, default=300)
    options = parser.parse_args()
    with server(options.url) as url, tempfile.TemporaryDirectory() as folder:
        bench = Bench(url)
        board = "Board of many images"
        bench.client.board_repo.create_board(board)
        started = time.monotonic()
        count = bench.upload(board, options.images, options.upload_seconds)
        print(f"{count} images uploaded in {time.monotonic() - started:.0f} s\n")
        print("| method | requests | seconds |")
        print("| --- | --- | --- |")
        bench.measure(board, Path(folder))
        bench.client.close()


if __name__ == "__main__":
    main()
