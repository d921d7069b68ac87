"""Resized images: thumbnails, and uploads with a requested size."""

from __future__ import annotations

import io

from PIL import Image

_THUMBNAIL = 256


def resize_upload(image: Image.Image, width: int, height: int) -> Image.Image:
    """Scale to a size; alpha ends up either 0 or 255, as on the server."""
    shrinks = width * height < image.width * image.height
    resampling = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
    scaled = image.convert("RGBA").resize((width, height), resampling)
    scaled.putalpha(scaled.getchannel("A").point(lambda value: 255 * (value > 127)))
    return scaled


def thumbnail_of(image: Image.Image) -> bytes:
    """An image as WebP, at most 256 pixels wide and high."""
    transparent = "A" in image.getbands() or "transparency" in image.info
    small = image.convert("RGBA" if transparent else "RGB")
    small.thumbnail((_THUMBNAIL, _THUMBNAIL))
    sink = io.BytesIO()
    small.save(sink, "WEBP")
    return sink.getvalue()
