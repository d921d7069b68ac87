"""`VideoRepository`: the videos of a server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client._arguments import Count, PathLike, checks_arguments
from invokeai_py_client._core.flow import collect
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import Runner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client.image import bulk_flows, change_flows, media_flows
from invokeai_py_client.image.board_flows import board_target
from invokeai_py_client.image.models import (
    BoardLike,
    Categories,
    Category,
    ImageCategory,
    Origin,
    names_of,
)
from invokeai_py_client.image.query import Order, image_query
from invokeai_py_client.video import flows
from invokeai_py_client.video.files import VIDEO, VideoSource
from invokeai_py_client.video.models import (
    VideoChanges,
    VideoLike,
    VideosLike,
    VideoUrls,
)
from invokeai_py_client.video.video_handle import IvkVideo


@set_module("invokeai_py_client.video")
@checks_arguments
class VideoRepository(Repository[Runner]):
    """Uploads, lists, downloads and organises the videos of a server, from 6.14 on.

    Every method raises `UnsupportedVersionError` on an older server. One that takes
    a video raises `NotFoundError` when the server has none of that name, and
    `PermissionDeniedError` when it belongs to somebody else. One that takes a board
    raises `BoardError` when no board, or more than one, has the name, and
    `NotFoundError` when no board has the id.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._read = IvkVideo.bound_to(runner)

    def upload_video(
        self,
        source: VideoSource,
        *,
        category: Category = ImageCategory.USER,
        board: Optional[BoardLike] = None,
        create: bool = False,
        is_intermediate: bool = False,
        metadata: Optional[Mapping[str, Any]] = None,
    ) -> IvkVideo:
        """Send a local video; the server stores it under a new name.

        Files are streamed. The request is never repeated by itself: after an
        `APIConnectionError` the video may or may not be there. The server takes two
        uploads at a time, in multi-user mode one of each user, and refuses others
        with 429.

        Args:
            source: A path, the bytes or an open file of an MP4 with H.264 video, at
                most 1 GiB, or a video of any server.
            category: `USER` and all but `GENERAL` appear as assets in the gallery.
            board: Where to put it; None for no board.
            create: Make a board of that name when there is none.
            is_intermediate: Hide it from the gallery.
            metadata: A JSON object of at most 1 MiB to store with the video.

        Raises:
            VideoFileNotFoundError: There is no such file; nothing was sent.
            VideoError: No MP4, or one the server cannot read.
        """
        return self._runner.run(
            flows.upload_video(
                self._read,
                source,
                category=category,
                board=board_target(board, create),
                is_intermediate=is_intermediate,
                metadata=metadata,
            )
        )

    def get_video(self, video: VideoLike) -> IvkVideo:
        """Read one video's record."""
        return self._runner.run(media_flows.get_record(VIDEO, self._read, str(video)))

    def list_videos(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Categories = None,
        origin: Optional[Origin] = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        starred_first: bool = False,
        newest_first: bool = True,
        limit: Optional[Count] = None,
        offset: Count = 0,
    ) -> list[IvkVideo]:
        """List videos; see `iter_videos` for the arguments."""
        order = Order(starred_first, newest_first)
        query = image_query(board, categories, origin, is_intermediate, search, order)
        videos = flows.list_videos(self._read, query, limit, offset)
        return self._runner.run(collect(videos))

    def iter_videos(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Categories = None,
        origin: Optional[Origin] = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        starred_first: bool = False,
        newest_first: bool = True,
        limit: Optional[Count] = None,
        offset: Count = 0,
    ) -> Iterator[IvkVideo]:
        """Iterate over videos, fetching records as needed, a thousand at a time.

        The arguments are those of `ImageRepository.iter_images`.
        """
        order = Order(starred_first, newest_first)
        query = image_query(board, categories, origin, is_intermediate, search, order)
        return self._runner.stream(flows.list_videos(self._read, query, limit, offset))

    def list_video_names(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Categories = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        newest_first: bool = True,
    ) -> list[str]:
        """List all names in one request; filters as in `list_videos`."""
        query = image_query(
            board,
            categories,
            None,
            is_intermediate,
            search,
            order=Order(newest_first=newest_first),
        )
        return self._runner.run(media_flows.list_names(VIDEO, query))

    def count_videos(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Categories = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
    ) -> int:
        """Count videos, assets included; filters as in `list_videos`."""
        query = image_query(board, categories, None, is_intermediate, search)
        return self._runner.run(media_flows.count(VIDEO, query))

    def video_exists(self, video: VideoLike) -> bool:
        """Find out whether the server has a video, without reading it."""
        return self._runner.run(media_flows.exists(VIDEO, str(video)))

    def get_video_urls(self, video: VideoLike) -> VideoUrls:
        """Read where a video and its first frame are."""
        return self._runner.run(media_flows.get_urls(VIDEO, str(video), VideoUrls))

    def find_video_metadata(self, video: VideoLike) -> Optional[dict[str, Any]]:
        """Read the generation's metadata; None when the video has none."""
        return self._runner.run(media_flows.get_metadata(VIDEO, str(video)))

    def find_video_workflow(self, video: VideoLike) -> Optional[dict[str, Any]]:
        """Read the workflow stored with a video; None when it has none."""
        return self._runner.run(media_flows.get_embedded(VIDEO, str(video), "workflow"))

    def find_video_graph(self, video: VideoLike) -> Optional[dict[str, Any]]:
        """Read the graph stored with a video; None when it has none."""
        return self._runner.run(media_flows.get_embedded(VIDEO, str(video), "graph"))

    def download_video(
        self, video: VideoLike, path: PathLike, *, overwrite: bool = True
    ) -> Path:
        """Download a video into a file or folder; see `IvkVideo.save`.

        Raises:
            FileExistsError: The file exists and `overwrite` is False.
        """
        return self._runner.run(bulk_flows.save_file(VIDEO, video, path, overwrite))

    def get_video_bytes(self, video: VideoLike) -> bytes:
        """Download a video's MP4 file into memory."""
        return self._runner.run(media_flows.get_bytes(VIDEO, str(video)))

    def get_video_thumbnail(self, video: VideoLike) -> bytes:
        """Download the first frame as a small WebP image."""
        return self._runner.run(media_flows.get_thumbnail(VIDEO, str(video)))

    def update_video(
        self,
        video: VideoLike,
        *,
        category: Optional[Category] = None,
        is_intermediate: Optional[bool] = None,
        starred: Optional[bool] = None,
    ) -> IvkVideo:
        """Change a video's record; what is None stays as it is.

        Returns:
            The video as it is now.

        Raises:
            ArgumentError: Nothing to change was given.
        """
        return self._runner.run(
            change_flows.update(
                VIDEO,
                self._read,
                str(video),
                category=category,
                is_intermediate=is_intermediate,
                starred=starred,
            )
        )

    def star_videos(self, videos: VideosLike) -> VideoChanges:
        """Star one video or several; the result says which the server knew."""
        return self._runner.run(change_flows.star(VIDEO, names_of(videos), True))

    def unstar_videos(self, videos: VideosLike) -> VideoChanges:
        """Take the star off one video or several; the result says which."""
        return self._runner.run(change_flows.star(VIDEO, names_of(videos), False))

    def move_videos(
        self,
        videos: VideosLike,
        *,
        board: Optional[BoardLike],
        create: bool = False,
    ) -> VideoChanges:
        """Put videos on a board, and take them off any other.

        Args:
            videos: Unknown ones are skipped; the result lists them.
            board: Where to; None or ``"none"`` takes them off their boards.
            create: Make a board of that name when there is none.

        Raises:
            PermissionDeniedError: One belongs to somebody else; those before it
                were moved.
        """
        return self._runner.run(
            flows.move_videos(names_of(videos), board_target(board, create))
        )

    def delete_video(self, video: VideoLike) -> None:
        """Delete a video for good.

        Raises:
            VideoError: The server could not delete it.
        """
        return self._runner.run(flows.delete_video(str(video)))

    def delete_videos(self, videos: VideosLike) -> VideoChanges:
        """Delete one video or several for good; the result says which."""
        return self._runner.run(change_flows.delete_many(VIDEO, names_of(videos)))

    def delete_uncategorized_videos(self) -> VideoChanges:
        """Delete every video that is on no board, for good: intermediate ones too.

        An administrator deletes those of all users.
        """
        return self._runner.run(change_flows.delete_uncategorized(VIDEO))
