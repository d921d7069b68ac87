"""Small files that every server takes for models, or for none."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def safetensors(path: Path, **shapes: Sequence[int]) -> Path:
    """A file of tensors with these shapes; all that they hold is zeros."""
    header: dict[str, Any] = {}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * _count(shape)
        header[name] = {
            "dtype": "F32",
            "shape": list(shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))
    return path


def _count(shape: Sequence[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def embedding(path: Path) -> Path:
    """A textual inversion for SD-1."""
    return safetensors(path, emb_params=[1, 768])


def lora(path: Path) -> Path:
    """A LoRA for SDXL, as far as the names of its tensors go."""
    block = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k"
    return safetensors(
        path,
        **{
            f"{block}.lora_down.weight": [1, 2048],
            f"{block}.lora_up.weight": [640, 1],
            f"{block}.alpha": [1],
        },
    )


def checkpoint_vae(path: Path) -> Path:
    """A VAE in one file."""
    return safetensors(
        path,
        **{"decoder.conv_in.weight": [8, 4, 1, 1], "encoder.conv_in.weight": [8, 3]},
    )


def diffusers_vae(folder: Path) -> Path:
    """A VAE in a folder, told to be for SDXL by its configuration."""
    config = {
        "_class_name": "AutoencoderKL",
        "scaling_factor": 0.13025,
        "sample_size": 1024,
    }
    return _folder(folder, {"config.json": config})


def pipeline(folder: Path, *, width: int = 768, channels: int = 4) -> Path:
    """A Stable Diffusion pipeline: SD-1, or what the width of its texts says."""
    large = "XL" if width > 1024 else ""
    return _folder(
        folder,
        {
            "model_index.json": {"_class_name": f"StableDiffusion{large}Pipeline"},
            "scheduler/scheduler_config.json": {"_class_name": "DDIMScheduler"},
            "unet/config.json": {
                "_class_name": "UNet2DConditionModel",
                "cross_attention_dim": width,
                "in_channels": channels,
            },
        },
        weights="unet/diffusion_pytorch_model.safetensors",
    )


def _folder(
    folder: Path,
    configs: Mapping[str, Any],
    weights: str = "diffusion_pytorch_model.safetensors",
) -> Path:
    for name, config in configs.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(config), "utf-8")
    # Other weights, and so another hash, in every folder of another name.
    safetensors(folder / weights, **{f"{folder.name}.weight": [4, 4]})
    return folder


def junk(path: Path) -> Path:
    """A file that only looks like a model."""
    path.write_bytes(b"x" * 100)
    return path
