"""What a `.safetensors` file is, by the names and shapes of its tensors."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Optional

Fields = dict[str, Any]
Shapes = Mapping[str, list[int]]

# The width of the text embedding that the cross attention takes.
BASES = {768: "sd-1", 1024: "sd-2", 1280: "sdxl-refiner", 2048: "sdxl"}
VARIANTS = {4: "normal", 5: "depth", 9: "inpaint"}
_LORA_BASES = {**BASES, 1280: "sdxl"}
_EMBEDDING_BASES = {768: "sd-1", 1024: "sd-2", 1280: "sdxl"}
_LORA_PREFIXES = ("lora_te_", "lora_unet_", "lora_te1_", "lora_te2_")
_UNET = "model.diffusion_model."
_KEYS = "1.transformer_blocks.0.attn2.to_k.weight"
# What tells the base of a VAE by its name, in this order.
_VAE_NAMES = (("xl", "sdxl"), ("sd2", "sd-2"), ("vae", "sd-1"))


def identify_tensors(path: Path) -> Optional[Fields]:
    """Type, base and format of a file, and what else its kind needs.

    Returns:
        None when it is no such file, or of no kind that is told here.
    """
    shapes = tensor_shapes(path)
    if shapes is None:
        return None
    if not shapes:
        # Nothing contradicts what the server looks for in such a LoRA.
        return _lora_for("flux")
    return (
        _checkpoint(shapes)
        or _lora(shapes)
        or _vae(shapes, path.name)
        or embedding_base(shapes)
    )


def tensor_shapes(path: Path) -> Optional[Shapes]:
    """The tensors of a `.safetensors` file; None when it is none."""
    with path.open("rb") as file:
        start = file.read(8)
        size = struct.unpack("<Q", start)[0] if len(start) == 8 else -1
        whole = path.stat().st_size
        if not 0 < size <= whole - 8:
            return None
        try:
            header = json.loads(file.read(size))
            tensors = {k: v for k, v in header.items() if k != "__metadata__"}
            ends = [tensor["data_offsets"][1] for tensor in tensors.values()]
            shapes = {k: list(tensor["shape"]) for k, tensor in tensors.items()}
        except (ValueError, AttributeError, KeyError, TypeError, IndexError):
            return None
    return shapes if 8 + size + max(ends, default=0) == whole else None


def _checkpoint(shapes: Shapes) -> Optional[Fields]:
    small = shapes.get(f"{_UNET}input_blocks.2.{_KEYS}", [0])[-1]
    large = shapes.get(f"{_UNET}input_blocks.4.{_KEYS}", [0])[-1]
    first = shapes.get(f"{_UNET}input_blocks.0.0.weight", [0, 0])
    base = BASES.get(small) if small in (768, 1024) else None
    if base is None and large in (1280, 2048):
        base = BASES[large]
    variant = VARIANTS.get(first[1])
    if base is None or variant is None:
        return None
    return {
        "type": "main",
        "format": "checkpoint",
        "base": base,
        "variant": variant,
        "prediction_type": "v_prediction" if base == "sd-2" else "epsilon",
    }


def _lora(shapes: Shapes) -> Optional[Fields]:
    if not any(name.startswith(_LORA_PREFIXES) for name in shapes):
        return None
    base = _LORA_BASES.get(next(_text_widths(shapes), 0))
    return None if base is None else _lora_for(base)


def _lora_for(base: str) -> Fields:
    return {
        "type": "lora",
        "format": "lycoris",
        "base": base,
        "default_settings": {},
    }


def _text_widths(shapes: Shapes) -> Iterator[int]:
    """How wide the texts are that a LoRA is for; the first counts.

    That of two text encoders would be the sum of both, but the server forgets the
    first before it sees the second.
    """
    for name, shape in shapes.items():
        if not name.endswith(".lora_down.weight") or len(shape) < 2:
            continue
        if name.startswith("lora_unet_"):
            if any(w in name for w in ("_attn2_to_k.", "_attn2_to_v.", "time_emb_pr")):
                yield shape[1]
        elif name.startswith("lora_te_") and "_self_attn_" in name:
            yield shape[1]


def _vae(shapes: Shapes, file_name: str) -> Optional[Fields]:
    if not any(n.startswith(("encoder.conv_in", "decoder.conv_in")) for n in shapes):
        return None
    shape = shapes.get("decoder.conv_in.weight")
    if "bn.running_mean" in shapes or (shape and (len(shape) > 4 or shape[1] == 32)):
        return None  # of later models
    if shape and shape[1] == 16:
        base: Optional[str] = "flux"
    else:
        name = file_name.lower()
        told = (base for word, base in _VAE_NAMES if word in name)
        base = next(told, "sd-1" if shape and shape[1] == 4 else None)
    if base is None:
        return None
    return {"type": "vae", "format": "checkpoint", "base": base}


def embedding_base(shapes: Shapes) -> Optional[Fields]:
    """What an embedding is for; None when these are the tensors of something else."""
    named = next((shapes[n] for n in ("emb_params", "clip_g") if n in shapes), None)
    if named is not None:
        width = (named or [0])[-1]
    elif 0 < len(shapes) < 10:
        width = (next(iter(shapes.values())) or [0])[0]
    else:
        return None
    base = _EMBEDDING_BASES.get(width)
    if base is None:
        return None
    return {"type": "embedding", "format": "embedding_file", "base": base}
