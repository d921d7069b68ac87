"""Images: upload, list, download, organise."""

from __future__ import annotations

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
