"""Image nodes that move, cut and combine pixels, computed with Pillow and numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageFilter, ImageOps

from .node_api import Fields, implements
from .node_context import Context

CLEAR = (0, 0, 0, 0)


def color_tuple(color: Any) -> tuple[int, int, int, int]:
    """A colour field as Pillow takes it."""
    return (color.r, color.g, color.b, color.a)


def box_tuple(box: Any) -> tuple[int, int, int, int]:
    """A bounding box field as left, upper, right, lower."""
    return (box.x_min, box.y_min, box.x_max, box.y_max)


def _resampling(node: Any) -> Image.Resampling:
    return Image.Resampling[node.resample_mode.upper()]


def _scale(node: Any, image: Image.Image) -> Image.Image:
    width = int(image.width * node.scale_factor)
    height = int(image.height * node.scale_factor)
    return image.resize((width, height), resample=_resampling(node))


_EDITS: dict[str, Callable[[Any, Image.Image], Image.Image]] = {
    "save_image": lambda _, image: image,
    "save_image_to_file": lambda _, image: image,
    # The checker and the invisible watermark need their models.
    "img_nsfw": lambda _, image: image,
    "img_watermark": lambda _, image: image,
    "img_chan": lambda node, image: image.getchannel(node.channel),
    "img_conv": lambda node, image: image.convert(node.mode),
    "img_resize": lambda node, image: image.resize(
        (node.width, node.height), resample=_resampling(node)
    ),
    "img_scale": _scale,
}


@implements(*_EDITS)
def _edit(node: Any, context: Context) -> Fields:
    image = context.open_image(node.image)
    return context.save_image(_EDITS[node.type](node, image))


@implements("img_mul")
def _multiply(node: Any, context: Context) -> Fields:
    first, second = context.open_image(node.image1), context.open_image(node.image2)
    return context.save_image(ImageChops.multiply(first, second))


@implements("blank_image")
def _blank(node: Any, context: Context) -> Fields:
    size = (node.width, node.height)
    return context.save_image(Image.new(node.mode, size, color_tuple(node.color)))


@implements("show_image")
def _show(node: Any, context: Context) -> Fields:
    # Passed on; a simulator opens no window.
    image = context.open_image(node.image)
    return {"image": node.image, "width": image.width, "height": image.height}


@implements("img_crop")
def _crop(node: Any, context: Context) -> Fields:
    result = Image.new("RGBA", (node.width, node.height), CLEAR)
    result.paste(context.open_image(node.image), (-node.x, -node.y))
    return context.save_image(result)


@implements("img_pad_crop")
def _pad_crop(node: Any, context: Context) -> Fields:
    image = context.open_image(node.image)
    width = image.width + node.right + node.left
    height = image.height + node.top + node.bottom
    result = Image.new("RGBA", (width, height), CLEAR)
    result.paste(image, (node.left, node.top))
    return context.save_image(result)


@implements("img_paste")
def _paste(node: Any, context: Context) -> Fields:
    base = context.open_image(node.base_image, "RGBA")
    image = context.open_image(node.image, "RGBA")
    mask = None
    if node.mask is not None:
        mask = ImageOps.invert(context.open_image(node.mask, "L"))
    left, top = min(0, node.x), min(0, node.y)
    right = max(base.width, image.width + node.x)
    bottom = max(base.height, image.height + node.y)
    below = Image.new("RGBA", (right - left, bottom - top), CLEAR)
    below.paste(base, (-left, -top))
    above = Image.new("RGBA", below.size)
    above.paste(image, (max(0, node.x), max(0, node.y)), mask=mask)
    result = Image.alpha_composite(below, above)
    if node.crop:
        result = result.crop((-left, -top, base.width - left, base.height - top))
    return context.save_image(result)


@implements("tomask")
def _alpha_as_mask(node: Any, context: Context) -> Fields:
    mask = context.open_image(node.image).split()[-1]
    if node.invert:
        mask = ImageOps.invert(mask)
    return context.save_image(mask, "mask")


@implements("img_lerp")
def _lerp(node: Any, context: Context) -> Fields:
    pixels = np.asarray(context.open_image(node.image), dtype=np.float32) / 255
    pixels = pixels * (node.max - node.min) + node.min
    return context.save_image(Image.fromarray(pixels.astype(np.uint8)))


@implements("img_ilerp")
def _inverse_lerp(node: Any, context: Context) -> Fields:
    pixels = np.asarray(context.open_image(node.image), dtype=np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.maximum(pixels - node.min, 0) / float(node.max - node.min)
        result = (np.minimum(scaled, 1) * 255).astype(np.uint8)
    return context.save_image(Image.fromarray(result))


@implements("img_blur")
def _blur(node: Any, context: Context) -> Fields:
    image = context.open_image(node.image, "RGBA")
    alpha = image.getchannel("A")
    # Colours are weighed by their alpha so that transparent pixels do not bleed.
    weighed = ImageChops.multiply(image, alpha.convert("RGBA"))
    weighed.putalpha(alpha)
    gaussian = node.blur_type == "gaussian"
    kind = ImageFilter.GaussianBlur if gaussian else ImageFilter.BoxBlur
    *bands, blurred_alpha = weighed.filter(kind(node.radius)).split()
    weight = np.asarray(blurred_alpha, dtype=np.float32) / 255.0 + 1e-6
    restored = [
        Image.fromarray(
            np.clip(np.asarray(band, dtype=np.float32) / weight, 0, 255).astype(
                np.uint8
            )
        )
        for band in bands
    ]
    return context.save_image(Image.merge("RGBA", (*restored, blurred_alpha)))


@implements("unsharp_mask")
def _unsharp(node: Any, context: Context) -> Fields:
    image = context.open_image(node.image)
    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA", "PA") else None
    rgb = image.convert("RGB")
    blurred = np.array(rgb.filter(ImageFilter.GaussianBlur(radius=node.radius))) / 255
    pixels = np.array(rgb) / 255
    pixels += (pixels - blurred) * (node.strength / 100.0)
    result = Image.fromarray((np.clip(pixels, 0, 1) * 255).astype("uint8"))
    result = result.convert(image.mode)
    if alpha is not None:
        result.putalpha(alpha)
    return context.save_image(result)


@implements("mask_combine")
def _mask_combine(node: Any, context: Context) -> Fields:
    first = context.open_image(node.mask1).convert("L")
    second = context.open_image(node.mask2).convert("L")
    return context.save_image(ImageChops.multiply(first, second), "mask")


@implements("mask_from_id")
def _mask_from_id(node: Any, context: Context) -> Fields:
    image = context.open_image(node.image, "RGBA")
    distance = np.linalg.norm(
        np.asarray(image) - np.array(color_tuple(node.color)), axis=-1
    )
    mask = Image.fromarray((distance < node.threshold).astype(np.uint8) * 255)
    return context.save_image(ImageOps.invert(mask) if node.invert else mask, "mask")


@implements("apply_mask_to_image")
def _apply_mask(node: Any, context: Context) -> Fields:
    image = context.open_image(node.image, "RGBA")
    mask = context.open_image(node.mask, "L")
    if node.invert_mask:
        mask = ImageOps.invert(mask)
    return context.save_image(Image.merge("RGBA", (*image.split()[:3], mask)))


@implements("crop_image_to_bounding_box")
def _crop_to_box(node: Any, context: Context) -> Fields:
    image = context.open_image(node.image)
    box = image.getbbox() if node.bounding_box is None else box_tuple(node.bounding_box)
    return context.save_image(image.crop(box))


@implements("paste_image_into_bounding_box")
def _paste_into_box(node: Any, context: Context) -> Fields:
    source = context.open_image(node.source_image, "RGBA")
    target = context.open_image(node.target_image, "RGBA")
    target.paste(source, box_tuple(node.bounding_box), source)
    return context.save_image(target)


@implements("get_image_mask_bounding_box")
def _mask_box(node: Any, context: Context) -> Fields:
    pixels = np.array(context.open_image(node.mask, "RGBA"))
    rows, columns = np.where(np.all(pixels == color_tuple(node.mask_color), axis=-1))
    box = {"x_min": 0, "y_min": 0, "x_max": 0, "y_max": 0}
    if len(rows):
        height, width = pixels.shape[:2]
        box = {
            "x_min": max(0, int(columns.min()) - node.margin),
            "y_min": max(0, int(rows.min()) - node.margin),
            "x_max": min(width, int(columns.max()) + node.margin),
            "y_max": min(height, int(rows.max()) + node.margin),
        }
    return {"bounding_box": box}


@implements("bounding_box")
def _bounding_box(node: Any, context: Context) -> Fields:
    keys = ("x_min", "y_min", "x_max", "y_max")
    box = context.schemas.field_class("BoundingBoxField")
    return {"bounding_box": box(**{key: getattr(node, key) for key in keys})}


@implements("image_panel_layout")
def _panel(node: Any, _context: Context) -> Fields:
    width, height = node.width // node.num_cols, node.height // node.num_rows
    return {
        "x_left": node.panel_col_idx * width,
        "y_top": node.panel_row_idx * height,
        "width": width,
        "height": height,
    }
