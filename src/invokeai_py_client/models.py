"""Frozen snapshots of what the server holds: jobs, images and their enums."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._exports import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client._aio.image_handle import AsyncIvkImage as AsyncIvkImage
    from invokeai_py_client._job import IvkJob as IvkJob, JobStatus as JobStatus
    from invokeai_py_client._snapshot import (
        OpenEnum as OpenEnum,
        Snapshot as Snapshot,
        UtcDatetime as UtcDatetime,
    )
    from invokeai_py_client.image.image_handle import IvkImage as IvkImage
    from invokeai_py_client.image.models import (
        ImageCategory as ImageCategory,
        ImageOrigin as ImageOrigin,
    )
else:
    _HOMES = {
        "_aio.image_handle": "AsyncIvkImage",
        "_job": "IvkJob JobStatus",
        "_snapshot": "OpenEnum Snapshot UtcDatetime",
        "image.image_handle": "IvkImage",
        "image.models": "ImageCategory ImageOrigin",
    }
    __getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
