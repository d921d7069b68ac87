"""Images: upload, list, download, organise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._exports import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client._aio.image_handle import AsyncIvkImage as AsyncIvkImage
    from invokeai_py_client._aio.image_repo import (
        AsyncImageRepository as AsyncImageRepository,
    )
    from invokeai_py_client.image.image_handle import IvkImage as IvkImage
    from invokeai_py_client.image.image_repo import ImageRepository as ImageRepository
    from invokeai_py_client.image.models import (
        ImageBase as ImageBase,
        ImageCategory as ImageCategory,
        ImageChanges as ImageChanges,
        ImageOrigin as ImageOrigin,
        ImageUrls as ImageUrls,
    )
else:
    _HOMES = {
        "_aio.image_handle": "AsyncIvkImage",
        "_aio.image_repo": "AsyncImageRepository",
        "image.image_handle": "IvkImage",
        "image.image_repo": "ImageRepository",
        "image.models": "ImageBase ImageCategory ImageChanges ImageOrigin ImageUrls",
    }
    __getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
