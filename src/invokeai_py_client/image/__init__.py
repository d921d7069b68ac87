"""Images: upload, list, download, organise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._lazy import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client.image.async_image_handle import AsyncIvkImage
    from invokeai_py_client.image.async_image_repo import AsyncImageRepository
    from invokeai_py_client.image.image_handle import IvkImage
    from invokeai_py_client.image.image_repo import ImageRepository
    from invokeai_py_client.image.models import (
        ImageCategory,
        ImageChanges,
        ImageOrigin,
        ImageUrls,
    )
else:
    _HOMES = {
        "async_image_handle": ("AsyncIvkImage",),
        "async_image_repo": ("AsyncImageRepository",),
        "image_handle": ("IvkImage",),
        "image_repo": ("ImageRepository",),
        "models": ("ImageCategory", "ImageChanges", "ImageOrigin", "ImageUrls"),
    }
    __getattr__, __dir__ = lazy_exports(__name__, _HOMES)

__all__ = [
    "AsyncImageRepository",
    "AsyncIvkImage",
    "ImageCategory",
    "ImageChanges",
    "ImageOrigin",
    "ImageRepository",
    "ImageUrls",
    "IvkImage",
]
