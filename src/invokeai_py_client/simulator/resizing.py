"""Pictures made smaller: thumbnails, and uploads that ask for a size."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from .resampling import cubic, nearest

_SEGMENTATION = 200
_THUMBNAIL = 256


def resize_upload(image: Image.Image, width: int, height: int) -> Image.Image:
    """Scale to a size as the server's upload route does.

    The filter depends on what the picture looks like: few colours stay exactly these;
    others are averaged when they shrink and interpolated when they grow. Alpha
    ends up either 0 or 255.
    """
    pixels = np.array(image.convert("RGBA"))
    if image.size == (width, height):
        return Image.fromarray(pixels)
    colours = len(np.unique(pixels[:, :, :3].reshape(-1, 3), axis=0))
    if 1 < colours < _SEGMENTATION:
        scaled = nearest(pixels, width, height)
    elif width * height < pixels.shape[0] * pixels.shape[1]:
        box = Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX)
        scaled = np.array(box)
        # Pillow weighs colours by alpha; the server does not.
        opaque = Image.fromarray(np.ascontiguousarray(pixels[:, :, :3]))
        scaled[:, :, :3] = opaque.resize((width, height), Image.Resampling.BOX)
    else:
        scaled = cubic(pixels, width, height)
    scaled[:, :, 3] = np.where(scaled[:, :, 3] > 127, 255, 0)
    return Image.fromarray(scaled)


def small_picture(image: Image.Image) -> bytes:
    """A picture as WebP, at most 256 pixels wide and high.

    Raises:
        OSError: The image cannot be decoded.
    """
    transparent = "A" in image.getbands() or "transparency" in image.info
    small = image.convert("RGBA" if transparent else "RGB")
    small.thumbnail((_THUMBNAIL, _THUMBNAIL))
    sink = io.BytesIO()
    small.save(sink, "WEBP")
    return sink.getvalue()
