"""Two resampling filters as OpenCV computes them for 8-bit images.

The server scales with OpenCV in places where Pillow's filters give other pixels:
OpenCV's do not average when shrinking.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_UNIT = 2048  # OpenCV's fixed-point one for interpolation weights (11 bits)


def nearest(pixels: Any, width: int, height: int) -> Any:
    """Scale by taking the pixel at the floor of each position."""
    rows = _floor_positions(pixels.shape[0], height)
    columns = _floor_positions(pixels.shape[1], width)
    return pixels[rows][:, columns]


def _floor_positions(old: int, new: int) -> Any:
    positions = np.floor(np.arange(new) * (old / new)).astype(int)
    return np.minimum(positions, old - 1)


def cubic(pixels: Any, width: int, height: int) -> Any:
    """Scale with the cubic kernel, a = -0.75, in fixed-point arithmetic."""
    if pixels.shape[:2] == (height, width):
        return pixels.copy()
    columns, across = _taps(pixels.shape[1], width)
    rows, down = _taps(pixels.shape[0], height)
    wide = pixels.astype(np.int64)
    wide = sum(wide[:, columns[k]] * across[k][None, :, None] for k in range(4))
    tall = sum(wide[rows[k]] * down[k][:, None, None] for k in range(4))
    return np.clip((tall + (1 << 21)) >> 22, 0, 255).astype(np.uint8)


def _taps(old: int, new: int) -> tuple[Any, Any]:
    """For each new pixel: the four old ones it is made of, and their weights."""
    centre = ((np.arange(new) + 0.5) * (old / new) - 0.5).astype(np.float32)
    first = np.floor(centre)
    fraction = centre - first
    a = np.float32(-0.75)
    weights = np.empty((4, new), dtype=np.float32)
    x = fraction
    weights[0] = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a
    weights[1] = ((a + 2) * x - (a + 3)) * x * x + 1
    weights[2] = ((a + 2) * (1 - x) - (a + 3)) * (1 - x) * (1 - x) + 1
    weights[3] = 1 - weights[0] - weights[1] - weights[2]
    taps = np.stack([first.astype(int) + offset for offset in (-1, 0, 1, 2)])
    return np.clip(taps, 0, old - 1), np.rint(weights * _UNIT).astype(np.int64)
