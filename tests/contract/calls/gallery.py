"""Sample calls of images, boards, videos and the gallery."""

from __future__ import annotations

import datetime
import io
import zipfile

from media_files import MP4, PNG

from contract.calls import Call, Local, call
from invokeai_py_client.exceptions import ImageError, NotFoundError

OTHER = "11111111-2222-3333-4444-555555555555"
BOARD = {"board_id": "1", "board_name": "Cats"}
IMAGE = {"image_name": "a.png", "image_category": "user", "board_id": "1"}
VIDEO = {"video_name": "a.mp4", "video_category": "user"}
FILTERS = {
    "board": "1",
    "categories": ["general", "user"],
    "is_intermediate": None,
    "search": "cat",
    "newest_first": False,
}
LISTED = {**FILTERS, "origin": "internal", "starred_first": True, "offset": 3}


def an_empty_zip() -> bytes:
    sink = io.BytesIO()
    zipfile.ZipFile(sink, "w").close()
    return sink.getvalue()


ANSWERS = {
    "GET /api/v1/boards/": [BOARD],
    "GET /api/v1/boards/{board_id}": BOARD,
    "POST /api/v1/boards/": (201, BOARD),
    "PATCH /api/v1/boards/{board_id}": (
        201,
        {**BOARD, "board_visibility": "shared", "cover_image_name": "a.png"},
    ),
    "GET /api/v1/images/i/{image_name}": IMAGE,
    "PATCH /api/v1/images/i/{image_name}": IMAGE,
    "DELETE /api/v1/images/i/{image_name}": {"deleted_images": ["a.png"]},
    "POST /api/v1/images/upload": (201, IMAGE),
    "GET /api/v1/images/": {"items": [IMAGE], "total": 1},
    "POST /api/v1/images/images_by_names": [IMAGE],
    "POST /api/v1/images/star": {"starred_images": ["a.png"]},
    "POST /api/v1/images/unstar": {"unstarred_images": ["a.png"]},
    "POST /api/v1/board_images/": (201, {"added_images": ["a.png"]}),
    "DELETE /api/v1/board_images/": (201, {"removed_images": ["a.png"]}),
    "GET /api/v1/images/i/{image_name}/workflow": {"workflow": "{}", "graph": "{}"},
    "GET /api/v1/images/i/{image_name}/full": PNG,
    "HEAD /api/v1/images/i/{image_name}/full": PNG,
    "GET /api/v1/images/i/{image_name}/thumbnail": PNG,
    "POST /api/v1/images/download": (202, {"bulk_download_item_name": "z.zip"}),
    "GET /api/v1/images/download/{bulk_download_item_name}": an_empty_zip(),
    "GET /api/v1/videos/": {"items": [VIDEO], "total": 1},
    "GET /api/v1/videos/i/{video_name}": VIDEO,
    "PATCH /api/v1/videos/i/{video_name}": VIDEO,
    "POST /api/v1/videos/upload": (201, VIDEO),
    "POST /api/v1/videos/star": {"starred_videos": ["a.mp4"]},
    "POST /api/v1/videos/unstar": {"unstarred_videos": ["a.mp4"]},
    "POST /api/v1/videos/board": {"added_videos": ["a.mp4"]},
    "DELETE /api/v1/videos/board": {"removed_videos": ["a.mp4"]},
    "GET /api/v1/videos/i/{video_name}/workflow": {"workflow": "{}", "graph": "{}"},
    "GET /api/v1/videos/i/{video_name}/full": MP4,
    "HEAD /api/v1/videos/i/{video_name}/full": MP4,
    "GET /api/v1/videos/i/{video_name}/thumbnail": PNG,
}
ZIP_IS_READY = [("bulk_download_complete", {"bulk_download_item_name": "z.zip"})]


def handle(client):
    from invokeai_py_client._aio.board_handle import AsyncBoardHandle
    from invokeai_py_client.board.board_handle import BoardHandle
    from invokeai_py_client.board.models import Board

    kind = AsyncBoardHandle if "Async" in type(client._runner).__name__ else None
    return (kind or BoardHandle)(client._runner, Board.model_validate(BOARD))


def image(client):
    return client.image_repo._read(IMAGE)


def video(client):
    return client.video_repo._read(VIDEO)


def board(method, *args, **kwargs):
    return Call(f"BoardHandle.{method}", args, kwargs, on=handle)


def picture(method, *args, **kwargs):
    return Call(f"IvkImage.{method}", args, kwargs, on=image)


def film(method, *args, **kwargs):
    return Call(f"IvkVideo.{method}", args, kwargs, on=video)


IMAGES = [
    call("image_repo.upload_image", Local.PICTURE),
    call(
        "image_repo.upload_image",
        PNG,
        category="general",
        board="1",
        is_intermediate=True,
        metadata={"a": 1},
        resize_to=(8, 8),
    ),
    call("image_repo.get_image", "a.png"),
    call("image_repo.search_images"),
    call(
        "image_repo.search_images",
        prompt="cat",
        model="m",
        seed=3,
        board="1",
        since="2026-03-18",
        limit=2,
    ),
    call("image_repo.get_images", ["a.png"]),
    call("image_repo.list_images"),
    call("image_repo.list_images", **LISTED, limit=7),
    call("image_repo.iter_images", **LISTED, limit=7),
    call("image_repo.list_images").answered(
        {"GET /api/v1/images/names": (404, {"detail": "Not Found"})}
    ),
    call("image_repo.list_image_names", **FILTERS),
    call("image_repo.count_images", board="1"),
    call("image_repo.find_image_metadata", "a.png"),
    call("image_repo.find_image_workflow", "a.png"),
    call("image_repo.find_image_graph", "a.png"),
    call("image_repo.download_image", "a.png", Local.FOLDER),
    call("image_repo.download_images", ["a.png"], Local.FOLDER),
    call("image_repo.download_images_as_zip", ["a.png"], Local.FOLDER).but(
        events=ZIP_IS_READY
    ),
    call("image_repo.download_images_as_zip", ["a.png"], Local.FOLDER),
    call("image_repo.get_image_bytes", "a.png"),
    call("image_repo.get_image_thumbnail", "a.png"),
    call("image_repo.image_exists", "a.png"),
    call("image_repo.get_image_urls", "a.png"),
    call("image_repo.update_image", "a.png", starred=True, category="mask"),
    call("image_repo.update_image", "a.png", is_intermediate=True)
    .answered(
        {
            "PATCH /api/v1/images/i/{image_name}": (400, {"detail": "Failed"}),
            "GET /api/v1/images/i/{image_name}": (404, {"detail": "Not Found"}),
        }
    )
    .but(raises=NotFoundError),
    call("image_repo.star_images", ["a.png"]),
    call("image_repo.unstar_images", "a.png"),
    call("image_repo.move_images", ["a.png"], board="1"),
    call("image_repo.move_images", ["a.png"], board="none"),
    call("image_repo.delete_image", "a.png"),
    # What is done where the answer says that nothing was done.
    call("image_repo.move_images", ["a.png"], board="1").answered(
        {"POST /api/v1/board_images/batch": (201, {"added_images": []})}
    ),
    call("image_repo.delete_image", "a.png")
    .answered({"DELETE /api/v1/images/i/{image_name}": {"deleted_images": []}})
    .but(raises=ImageError),
    call("image_repo.upload_image", PNG, board=OTHER)
    .answered({"POST /api/v1/images/upload": (201, {"image_name": "a.png"})})
    .but(raises=NotFoundError),
    call("image_repo.delete_images", ["a.png"]),
    call("image_repo.delete_uncategorized_images"),
    call("image_repo.count_intermediate_images"),
    call("image_repo.delete_intermediate_images"),
    picture("save", Local.FOLDER),
    picture("bytes"),
    picture("thumbnail"),
    picture("metadata"),
    picture("refresh"),
    picture("recipe").answered(
        {"GET /api/v1/images/i/{image_name}": {**IMAGE, "has_workflow": True}}
    ),
    picture("pil").but(raises=ImageError),
]

BOARDS = [
    call("board_repo.list_boards", include_archived=True),
    call("board_repo.get_board", "1"),
    call("board_repo.get_board", "none"),
    call("board_repo.search_boards", "Cats"),
    call("board_repo.find_board", "Cats"),
    call("board_repo.find_board", "none"),
    call("image_repo.upload_image", PNG, board="New", create=True),
    call("board_repo.get_board_handle", "1"),
    call("board_repo.get_board_handle", "Cats"),
    call("board_repo.get_board", "none"),
    call("board_repo.get_board_handle", "none"),
    call("board_repo.create_board", "Cats", visibility="shared"),
    call("board_repo.update_board", "1", name="Dogs", archived=True),
    call("board_repo.update_board", "1", visibility="shared", cover_image="a.png"),
    call("board_repo.update_board", "1", cover_image="b.png")
    .answered({"PATCH /api/v1/boards/{board_id}": (500, {"detail": "Failed"})})
    .answered({"GET /api/v1/images/i/{image_name}": (404, {"detail": "Not Found"})})
    .but(raises=NotFoundError),
    call("board_repo.delete_board", "1", delete_images=True),
    board("get_board"),
    board("count_images"),
    board("list_images", limit=3),
    board("iter_images", limit=3),
    board("list_image_names", categories="general", is_intermediate=False),
    board("download_images_as_zip", Local.FOLDER).but(events=ZIP_IS_READY),
    board("upload_image_file", Local.PICTURE),
    board("upload_image_data", PNG),
    board("download_image", "a.png", Local.FOLDER),
    board("move_image_to", "a.png", OTHER),
    board("move_image_to", "a.png", OTHER)
    .answered({"POST /api/v1/board_images/": (500, {"detail": "Failed"})})
    .but(raises=Exception),
    board("remove_image", "a.png"),
    board("delete_image", "a.png"),
    board("star_image", "a.png"),
    board("unstar_image", "a.png"),
    board("star_image", "a.png")
    .answered({"POST /api/v1/images/star": {"starred_images": []}})
    .but(raises=ImageError),
]

VIDEOS = [
    call("video_repo.upload_video", MP4),
    call(
        "video_repo.upload_video",
        MP4,
        category="general",
        board="1",
        is_intermediate=True,
        metadata={"a": 1},
    ),
    call("video_repo.get_video", "a.mp4"),
    call("video_repo.list_videos", **LISTED, limit=7),
    call("video_repo.iter_videos", **LISTED, limit=7),
    call("video_repo.list_video_names", **FILTERS),
    call("video_repo.count_videos", board="1"),
    call("video_repo.video_exists", "a.mp4"),
    call("video_repo.get_video_urls", "a.mp4"),
    call("video_repo.find_video_metadata", "a.mp4"),
    call("video_repo.find_video_workflow", "a.mp4"),
    call("video_repo.find_video_graph", "a.mp4"),
    call("video_repo.download_video", "a.mp4", Local.FOLDER),
    call("video_repo.get_video_bytes", "a.mp4"),
    call("video_repo.get_video_thumbnail", "a.mp4"),
    call("video_repo.update_video", "a.mp4", starred=True, category="mask"),
    call("video_repo.update_video", "a.mp4", is_intermediate=True)
    .answered(
        {
            "PATCH /api/v1/videos/i/{video_name}": (400, {"detail": "Failed"}),
            "GET /api/v1/videos/i/{video_name}": (404, {"detail": "Not Found"}),
        }
    )
    .but(raises=NotFoundError),
    call("video_repo.star_videos", ["a.mp4"]),
    call("video_repo.unstar_videos", "a.mp4"),
    call("video_repo.move_videos", ["a.mp4"], board="1"),
    call("video_repo.move_videos", "a.mp4", board="none"),
    call("video_repo.delete_video", "a.mp4"),
    call("video_repo.delete_videos", ["a.mp4"]),
    call("video_repo.delete_uncategorized_videos"),
    film("save", Local.FOLDER),
    film("bytes"),
    film("thumbnail"),
    film("metadata"),
    film("refresh"),
]

DAY = datetime.date(2026, 3, 18)
GALLERY = [
    call("gallery_repo.list_items", **LISTED, limit=7),
    call("gallery_repo.iter_items", **LISTED, limit=7),
    call("gallery_repo.list_item_names", **FILTERS, day="2026-03-18"),
    call("gallery_repo.list_item_refs", **FILTERS),
    call("gallery_repo.list_days"),
    call("gallery_repo.list_day_items", DAY, categories="general", search="cat"),
    call("gallery_repo.list_day_image_names", DAY, newest_first=False),
]

CALLS = [
    # What a call says itself goes before what all have in common.
    sample.but(replies={**ANSWERS, **sample.replies})
    for sample in (*IMAGES, *BOARDS, *VIDEOS, *GALLERY)
]
