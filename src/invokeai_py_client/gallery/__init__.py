"""The gallery as a whole: images and videos in one order, and days."""

from __future__ import annotations

from invokeai_py_client.gallery.async_gallery_repo import AsyncGalleryRepository
from invokeai_py_client.gallery.gallery_repo import GalleryRepository
from invokeai_py_client.gallery.models import (
    GalleryDay,
    GalleryItem,
    GalleryItemRef,
    GalleryKind,
)

__all__ = [
    "AsyncGalleryRepository",
    "GalleryDay",
    "GalleryItem",
    "GalleryItemRef",
    "GalleryKind",
    "GalleryRepository",
]
