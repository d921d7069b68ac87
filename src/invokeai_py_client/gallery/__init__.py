"""The gallery as a whole: images and videos in one order, and days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._exports import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client._aio.gallery_repo import (
        AsyncGalleryRepository as AsyncGalleryRepository,
    )
    from invokeai_py_client.gallery.gallery_repo import (
        GalleryRepository as GalleryRepository,
    )
    from invokeai_py_client.gallery.models import (
        GalleryDay as GalleryDay,
        GalleryItem as GalleryItem,
        GalleryItemRef as GalleryItemRef,
        GalleryKind as GalleryKind,
    )
else:
    _HOMES = {
        "_aio.gallery_repo": "AsyncGalleryRepository",
        "gallery.gallery_repo": "GalleryRepository",
        "gallery.models": "GalleryDay GalleryItem GalleryItemRef GalleryKind",
    }
    __getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
