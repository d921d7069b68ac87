"""The resize of an upload, which picks its filter by what the picture looks like."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .resampling import cubic, nearest

_SEGMENTATION = 200


def resize_upload(image: Image.Image, width: int, height: int) -> Image.Image:
    """Scale to a size as the server's upload route does.

    Pictures of few colours keep exactly these; others are averaged when they shrink
    and interpolated when they grow. Alpha ends up either 0 or 255.
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
