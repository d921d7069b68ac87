"""`VideoRepository`: the videos of a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Optional, Union

from invokeai_py_client._io.runner import Runner
from invokeai_py_client.image import media_flows
from invokeai_py_client.image.files import PathLike
from invokeai_py_client.image.models import (
    BoardLike,
    ImageCategory,
    ImageOrigin,
    board_id_of,
)
from invokeai_py_client.image.query import image_query
from invokeai_py_client.video import flows
from invokeai_py_client.video.files import VIDEO, VideoSource
from invokeai_py_client.video.models import (
    VideoChanges,
    VideoLike,
    VideoUrls,
    video_name_of,
    video_names_of,
)
from invokeai_py_client.video.video_handle import IvkVideo

__all__ = ["VideoRepository"]


class VideoRepository:
    """Uploads, lists, downloads and organises the videos of a server, from 6.14 on.

    Every method raises `UnsupportedVersionError` on an older server.

    Args:
        runner: What runs the flows: the client's.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._read = IvkVideo.bound_to(runner)

    def upload(
        self,
        source: VideoSource,
        *,
        category: ImageCategory = ImageCategory.USER,
        board: Optional[BoardLike] = None,
        is_intermediate: bool = False,
        metadata: Optional[Mapping[str, Any]] = None,
    ) -> IvkVideo:
        """Send a local video; the server stores it under a name of its own.

        Files are streamed. The request is never repeated by itself: after an
        `APIConnectionError` the video may or may not be there. The server takes two
        uploads at a time, in multi-user mode one of each user, and refuses others
        with 429.

        Args:
            source: A path or the bytes of an MP4 file with H.264 pictures, at most
                1 GiB.
            category: `USER` and all but `GENERAL` appear as assets in the gallery.
            board: A board or its id; None for no board.
            is_intermediate: Hide it from the gallery.
            metadata: A JSON object of at most 1 MiB to store with the video.

        Raises:
            VideoFileNotFoundError: There is no such file; nothing was sent.
            VideoError: No MP4, or one the server cannot read.
            NotFoundError: There is no such board.
        """
        return self._runner.run(
            flows.upload_video(
                self._read,
                source,
                category=category,
                board_id=None if board is None else board_id_of(board),
                is_intermediate=is_intermediate,
                metadata=metadata,
            )
        )

    def get_video(self, video: VideoLike) -> IvkVideo:
        """Read one video's record.

        Raises:
            NotFoundError: The server has no video of that name.
            PermissionDeniedError: It belongs to somebody else.
        """
        return self._runner.run(flows.get_video(self._read, video_name_of(video)))

    def list_videos(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Union[str, Sequence[str], None] = None,
        origin: Union[str, ImageOrigin, None] = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        starred_first: bool = False,
        newest_first: bool = True,
        limit: Optional[int] = None,
        offset: int = 0,
    ) -> Iterator[IvkVideo]:
        """Iterate over videos, fetching records as needed, a thousand at a time.

        Args:
            board: Only this board's; ``"none"`` for the videos on no board.
            categories: Only these, such as ``"general"``; None for all.
            origin: ``"internal"`` for generated, ``"external"`` for uploaded.
            is_intermediate: False hides intermediate videos, True gives only those,
                None gives both.
            search: Text to find in the metadata or the creation time.
            starred_first: Put starred videos before all others.
            newest_first: Order by time of creation, newest or oldest first.
            limit: At most this many; None for all.
            offset: Leave out this many at the beginning.

        Raises:
            NotFoundError: There is no such board.
            ValueError: `limit` or `offset` is negative.
        """
        return self._runner.stream(
            flows.list_videos(
                self._read,
                image_query(
                    board=board,
                    categories=categories,
                    origin=origin,
                    is_intermediate=is_intermediate,
                    search=search,
                    starred_first=starred_first,
                    newest_first=newest_first,
                ),
                limit,
                offset,
            )
        )

    def list_video_names(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Union[str, Sequence[str], None] = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        newest_first: bool = True,
    ) -> list[str]:
        """List all names in one request; filters as in `list_videos`."""
        return self._runner.run(
            media_flows.list_names(
                VIDEO,
                image_query(
                    board=board,
                    categories=categories,
                    is_intermediate=is_intermediate,
                    search=search,
                    newest_first=newest_first,
                ),
            )
        )

    def count_videos(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Union[str, Sequence[str], None] = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
    ) -> int:
        """Count videos, assets included; filters as in `list_videos`."""
        return self._runner.run(
            media_flows.count(
                VIDEO,
                image_query(
                    board=board,
                    categories=categories,
                    is_intermediate=is_intermediate,
                    search=search,
                ),
            )
        )

    def exists(self, video: VideoLike) -> bool:
        """Find out whether the server has a video, without reading it.

        Raises:
            PermissionDeniedError: It belongs to somebody else.
        """
        return self._runner.run(media_flows.exists(VIDEO, video_name_of(video)))

    def get_urls(self, video: VideoLike) -> VideoUrls:
        """Read where a video and its first frame are.

        Raises:
            NotFoundError: The server has no video of that name.
        """
        return self._runner.run(
            media_flows.get_urls(VIDEO, video_name_of(video), VideoUrls)
        )

    def get_metadata(self, video: VideoLike) -> Optional[dict[str, Any]]:
        """Read the generation's metadata; None when the video has none.

        Raises:
            NotFoundError: There is no such video.
        """
        return self._runner.run(media_flows.get_metadata(VIDEO, video_name_of(video)))

    def get_workflow(self, video: VideoLike) -> Optional[dict[str, Any]]:
        """Read the workflow stored with a video; None when it has none.

        Raises:
            NotFoundError: There is no such video.
        """
        return self._runner.run(
            media_flows.get_embedded(VIDEO, video_name_of(video), "workflow")
        )

    def get_graph(self, video: VideoLike) -> Optional[dict[str, Any]]:
        """Read the graph stored with a video; None when it has none.

        Raises:
            NotFoundError: There is no such video.
        """
        return self._runner.run(
            media_flows.get_embedded(VIDEO, video_name_of(video), "graph")
        )

    def download(
        self, video: VideoLike, path: PathLike, *, overwrite: bool = True
    ) -> Path:
        """Download a video into a file or folder; see `IvkVideo.save`.

        Raises:
            FileExistsError: The file exists and `overwrite` is False.
            NotFoundError: The server has no video of that name.
        """
        return self._runner.run(flows.save_video(video_name_of(video), path, overwrite))

    def get_bytes(self, video: VideoLike) -> bytes:
        """Download a video's MP4 file into memory.

        Raises:
            NotFoundError: There is no such video.
        """
        return self._runner.run(media_flows.get_bytes(VIDEO, video_name_of(video)))

    def get_thumbnail(self, video: VideoLike) -> bytes:
        """Download the first frame as a small WebP picture.

        Raises:
            NotFoundError: There is no such video.
        """
        return self._runner.run(media_flows.get_thumbnail(VIDEO, video_name_of(video)))

    def update_video(
        self,
        video: VideoLike,
        *,
        category: Optional[ImageCategory] = None,
        is_intermediate: Optional[bool] = None,
        starred: Optional[bool] = None,
    ) -> IvkVideo:
        """Change a video's record; what is None stays as it is.

        Returns:
            The video as it is now.

        Raises:
            NotFoundError: The server has no video of that name.
            ValueError: Nothing to change was given.
        """
        return self._runner.run(
            media_flows.update(
                VIDEO,
                self._read,
                video_name_of(video),
                category=category,
                is_intermediate=is_intermediate,
                starred=starred,
            )
        )

    def star(self, videos: Union[VideoLike, Iterable[VideoLike]]) -> VideoChanges:
        """Star one video or several; the result says which the server knew."""
        return self._runner.run(flows.star_videos(video_names_of(videos), True))

    def unstar(self, videos: Union[VideoLike, Iterable[VideoLike]]) -> VideoChanges:
        """Take the star off one video or several; the result says which."""
        return self._runner.run(flows.star_videos(video_names_of(videos), False))

    def move(
        self, videos: Union[VideoLike, Iterable[VideoLike]], board: BoardLike
    ) -> VideoChanges:
        """Put videos on a board, off whatever board they are on.

        Args:
            videos: Unknown ones are skipped; the result lists them.
            board: A board or its id; ``"none"`` takes them off their boards.

        Raises:
            NotFoundError: There is no such board.
            PermissionDeniedError: One belongs to somebody else; those before it
                were moved.
        """
        return self._runner.run(
            flows.move_videos(video_names_of(videos), board_id_of(board))
        )

    def delete(self, video: VideoLike) -> None:
        """Delete a video for good.

        Raises:
            NotFoundError: The server has no video of that name.
            VideoError: The server could not delete it.
        """
        return self._runner.run(flows.delete_video(video_name_of(video)))

    def delete_many(
        self, videos: Union[VideoLike, Iterable[VideoLike]]
    ) -> VideoChanges:
        """Delete one video or several for good; the result says which it was."""
        return self._runner.run(flows.delete_videos(video_names_of(videos)))

    def delete_uncategorized(self) -> VideoChanges:
        """Delete every video that is on no board, for good: intermediate ones too.

        An administrator deletes those of all users.
        """
        return self._runner.run(flows.delete_uncategorized())
