"""Placeholder images that say what a real server would have generated."""

from __future__ import annotations

import hashlib
import json
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_LINES = (
    "prompt", "negative", "seed", "steps", "cfg_scale", "scheduler", "model", "video",
)  # fmt: skip


def placeholder(facts: Mapping[str, Any], width: int, height: int) -> Image.Image:
    """A labelled placeholder image; equal facts give equal pixels."""
    text = json.dumps(facts, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    image = _background(digest, width, height)
    draw = ImageDraw.Draw(image)
    line_height = max(12, min(width, height) // 28)
    font = ImageFont.load_default(line_height - 2)
    columns = max(2 * width // line_height, 6)
    lines = ["SIMULATED", f"{width}x{height}"]
    for key in _LINES:
        if facts.get(key) not in (None, ""):
            lines += textwrap.wrap(f"{key}: {facts[key]}", columns)
    for row, line in enumerate(lines):
        top = 4 + line_height * row
        if top + line_height > height and row:
            break
        draw.text((5, top + 1), line, fill=(0, 0, 0), font=font)
        draw.text((4, top), line, fill=(255, 255, 255), font=font)
    return image


def preview(
    facts: Mapping[str, Any], size: tuple[int, int], done: float
) -> Image.Image:
    """The preview of a denoising step: the image's colours emerging from noise."""
    small = (max(size[0] // 8, 1), max(size[1] // 8, 1))
    text = json.dumps(facts, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    target = np.asarray(_background(digest, *small), dtype=np.float32)
    generator = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    noise = generator.uniform(0, 255, target.shape)
    return Image.fromarray((target * done + noise * (1 - done)).astype(np.uint8))


def _background(digest: bytes, width: int, height: int) -> Image.Image:
    first = np.array(list(digest[0:3]), dtype=np.float32) * 0.6
    last = np.array(list(digest[3:6]), dtype=np.float32) * 0.6
    across = np.linspace(0, 1, width)[None, :, None]
    down = np.linspace(0, 1, height)[:, None, None]
    blend = (across + down) / 2
    pixels = first * (1 - blend) + last * blend
    # Stripes, so that nobody mistakes it for a photograph.
    stripes = ((np.arange(width)[None, :] + np.arange(height)[:, None]) // 16) % 2
    pixels += stripes[:, :, None] * 12
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
