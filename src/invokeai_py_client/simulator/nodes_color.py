"""Image nodes that change colours, computed with Pillow and numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageOps

from .execution import Context, Fields, implements
from .resampling import cubic, nearest

_CHANNELS = {
    "Red (RGBA)": ("RGBA", 0),
    "Green (RGBA)": ("RGBA", 1),
    "Blue (RGBA)": ("RGBA", 2),
    "Alpha (RGBA)": ("RGBA", 3),
    "Cyan (CMYK)": ("CMYK", 0),
    "Magenta (CMYK)": ("CMYK", 1),
    "Yellow (CMYK)": ("CMYK", 2),
    "Black (CMYK)": ("CMYK", 3),
    "Hue (HSV)": ("HSV", 0),
    "Saturation (HSV)": ("HSV", 1),
    "Value (HSV)": ("HSV", 2),
    "Luminosity (LAB)": ("LAB", 0),
    "A (LAB)": ("LAB", 1),
    "B (LAB)": ("LAB", 2),
    "Y (YCbCr)": ("YCbCr", 0),
    "Cb (YCbCr)": ("YCbCr", 1),
    "Cr (YCbCr)": ("YCbCr", 2),
}


def image_of(pixels: Any, mode: str) -> Image.Image:
    """An image of a mode that Pillow cannot tell from an array's shape."""
    height, width = pixels.shape[:2]
    return Image.frombytes(mode, (width, height), pixels.astype(np.uint8).tobytes())


@implements("img_hue_adjust")
def _hue(node: Any, context: Context) -> Fields:
    pixels = np.array(context.open_image(node.image).convert("HSV"))
    turn = int(256 * ((node.hue % 360) / 360))
    pixels[:, :, 0] = (pixels[:, :, 0].astype(int) + turn) % 256
    return context.save_image(image_of(pixels, "HSV").convert("RGBA"))


@implements("img_channel_offset")
def _offset(node: Any, context: Context) -> Fields:
    image = context.open_image(node.image, "RGBA")
    mode, number = _CHANNELS[node.channel]
    pixels = np.array(image.convert(mode)).astype(int)
    shifted = pixels[:, :, number] + node.offset
    circular = node.channel == "Hue (HSV)"
    pixels[:, :, number] = shifted % 256 if circular else np.clip(shifted, 0, 255)
    return _restored(image, pixels, node.channel, context)


@implements("img_channel_multiply")
def _multiply(node: Any, context: Context) -> Fields:
    image = context.open_image(node.image, "RGBA")
    mode, number = _CHANNELS[node.channel]
    pixels = np.array(image.convert(mode)).astype(float)
    scaled = np.clip(pixels[:, :, number] * node.scale, 0, 255)
    pixels[:, :, number] = 255 - scaled if node.invert_channel else scaled
    return _restored(image, pixels, node.channel, context)


def _restored(
    image: Image.Image, pixels: Any, channel: str, context: Context
) -> Fields:
    result = image_of(pixels, _CHANNELS[channel][0]).convert("RGBA")
    if channel != "Alpha (RGBA)":
        result.putalpha(image.getchannel("A"))
    return context.save_image(result)


@implements("color_map")
def _color_map(node: Any, context: Context) -> Fields:
    pixels = np.array(context.open_image(node.image, "RGB"))
    height, width = pixels.shape[:2]
    columns = width // min(node.tile_size, width)
    rows = height // min(node.tile_size, height)
    tiles = cubic(pixels, columns, rows)
    return context.save_image(Image.fromarray(nearest(tiles, width, height)))


@implements("img_noise")
def _noise(node: Any, context: Context) -> Fields:
    image = context.open_image(node.image, "RGBA")
    noise = Image.fromarray(_noise_pixels(node, image.size)).resize(
        image.size, Image.Resampling.NEAREST
    )
    noisy = Image.blend(image.convert("RGB"), noise, node.amount).convert("RGBA")
    result = noisy
    if node.mask is not None:
        mask = context.open_image(node.mask, "L")
        if mask.size != image.size:
            mask = mask.resize(image.size, Image.Resampling.LANCZOS)
        result = image.copy()
        result.paste(noisy, (0, 0), mask=ImageOps.invert(mask))
    result.putalpha(image.getchannel("A"))
    return context.save_image(result)


def _noise_pixels(node: Any, size: tuple[int, int]) -> Any:
    # The server's generator, so that a seed gives the same noise.
    seed = np.random.SeedSequence(node.seed)
    state = np.random.RandomState(np.random.MT19937(seed))
    shape = [size[1] // node.size, size[0] // node.size]
    if node.noise_color:
        shape.append(3)
    if node.noise_type == "gaussian":
        # Out of range on purpose: the server lets these wrap around.
        noise = state.normal(0, 1, shape) * 255
    else:
        odds = [1 - node.amount, node.amount]
        noise = state.choice([0, 255], shape, p=odds).astype(float)
    if not node.noise_color:
        noise = np.stack([noise] * 3, axis=-1)
    return noise.astype(np.int64).astype(np.uint8)


@implements("color_correct")
def _color_correct(node: Any, context: Context) -> Fields:
    base = context.open_image(node.base_image, "RGBA")
    rgb = node.colorspace == "RGB"
    mode = "RGB" if rgb else "YCbCr"
    bands = {"YCbCr-Chroma": (1, 2), "YCbCr-Luma": (0,)}.get(node.colorspace, (0, 1, 2))
    pixels = np.array(base.convert(mode))
    reference = np.asarray(context.open_image(node.color_reference, mode))
    for band in bands:
        pixels[:, :, band] = _matched(pixels[:, :, band], reference[:, :, band])
    corrected = image_of(pixels, mode).convert("RGB")
    if node.mask is not None:
        mask = context.open_image(node.mask, "L")
        if mask.size != corrected.size:
            raise ValueError("Mask size must match base image size.")
        corrected.paste(base.convert("RGB"), mask=mask)
    result = corrected.convert("RGBA")
    result.putalpha(base.getchannel("A"))
    return context.save_image(result)


def _matched(source: Any, reference: Any) -> Any:
    """A channel whose values are distributed like those of another one."""
    ours = np.bincount(source.ravel(), minlength=256).cumsum()
    theirs = np.bincount(reference.ravel(), minlength=256).cumsum()
    table = np.interp(ours / ours[-1], theirs / theirs[-1], np.arange(256))
    return table[source].astype(np.uint8)
