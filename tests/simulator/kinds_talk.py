"""What servers take files for: small ones, of every kind that the simulator tells."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from conversation import Conversation

import model_files as files

_M = "/api/v2/models"
_BLOCKS = "model.diffusion_model.input_blocks"
_KEYS = "1.transformer_blocks.0.attn2.to_k.weight"
_UNET = "lora_unet_input_blocks_4_1_transformer_blocks_0"
_DOWN = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0"
_TEXT = "text_model_encoder_layers_0_self_attn_q_proj"
# What depends on the machine, or on the way files are hashed.
_VARIES = ("key", "hash", "path", "source", "file_size")


def talk_about_kinds(c: Conversation) -> None:
    """Every file is installed, told, and removed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        for path in (*_tensors(folder), *_folders(folder), *_odd(folder)):
            _told(c, folder, path)


def _told(c: Conversation, folder: Path, path: Path) -> None:
    query = urlencode({"source": str(path), "inplace": "true"})
    job = c.ask("", "POST", f"{_M}/install?{query}", {}, record=False)
    deadline = time.monotonic() + 30
    while job["status"] not in ("completed", "error"):
        assert time.monotonic() < deadline, job
        time.sleep(0.02)
        job = c.ask("", "GET", f"{_M}/install/{job['id']}", record=False)
    model = job["config_out"] or {}
    if model:
        c.ask("", "DELETE", f"{_M}/i/{model['key']}", record=False)
    error = (job["error"] or "").replace(str(folder), "folder")
    record = {key: value for key, value in model.items() if key not in _VARIES}
    c.note(path.name, [job["status"], job["error_reason"], error, record])


def _tensors(folder: Path) -> Iterator[Path]:
    """Files told by their tensors."""
    first = f"{_BLOCKS}.0.0.weight"
    pairs: dict[str, dict[str, list[int]]] = {
        "sd1": {first: [8, 4, 1, 1], f"{_BLOCKS}.2.{_KEYS}": [8, 768]},
        "sd2": {first: [8, 5, 1, 1], f"{_BLOCKS}.2.{_KEYS}": [8, 1024]},
        "fill": {first: [8, 9, 1, 1], f"{_BLOCKS}.4.{_KEYS}": [8, 2048]},
        "refiner": {first: [8, 4, 1, 1], f"{_BLOCKS}.4.{_KEYS}": [8, 1280]},
        "seven": {first: [8, 7, 1, 1], f"{_BLOCKS}.2.{_KEYS}": [8, 768]},
        "flux-ae": {"decoder.conv_in.weight": [8, 16, 1, 1]},
        "sdxl-decoder": {"decoder.conv_in.weight": [8, 4, 1, 1]},
        "decoder": {"decoder.conv_in.weight": [8, 4, 1, 1]},
        "encoder": {"encoder.conv_in.weight": [8, 4, 1, 1]},
        "vae-encoder": {"encoder.conv_in.weight": [8, 4, 1, 1]},
        "both": {"clip_g": [2, 1280], "clip_l": [2, 768]},
        "one": {"other": [1024]},
        "odd": {"other": [33]},
        "scalar": {"other": []},
        "none": {},
        "sliders": _lora(f"{_DOWN}_attn1_to_q", 640),
        "downs": _lora(f"{_DOWN}_attn2_to_k", 768),
        "texts": _lora(f"lora_te_{_TEXT}", 768),
        "two-texts": {
            **_lora(f"lora_te1_{_TEXT}", 768),
            **_lora(f"lora_te2_{_TEXT}", 1280),
        },
    }
    for width in (768, 1024, 1280, 2048, 99):
        pairs[f"lora-{width}"] = _lora(f"{_UNET}_attn2_to_k", width)
    for name, shapes in pairs.items():
        yield files.safetensors(folder / f"{name}.safetensors", **shapes)


def _lora(block: str, width: int) -> dict[str, list[int]]:
    return {
        f"{block}.lora_down.weight": [1, width],
        f"{block}.lora_up.weight": [4, 1],
        f"{block}.alpha": [],
    }


def _folders(folder: Path) -> Iterator[Path]:
    """Folders told by their configuration."""
    yield files.pipeline(folder / "pipe-2", width=1024, channels=5)
    yield files.pipeline(folder / "pipe-refiner", width=1280)
    yield files.pipeline(folder / "pipe-99", width=99)
    half = files.pipeline(folder / "pipe-half")
    weights = half / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_name("model.fp16.safetensors"))
    yield half
    fast = files.pipeline(folder / "pipe-v")
    scheduler = json.dumps({"prediction_type": "v_prediction"})
    (fast / "scheduler" / "scheduler_config.json").write_text(scheduler)
    yield fast
    bare = files.pipeline(folder / "pipe-bare")
    (bare / "scheduler" / "scheduler_config.json").unlink()
    yield bare
    configs: dict[str, dict[str, Any]] = {
        "canny-net": {"_class_name": "ControlNetModel", "cross_attention_dim": 768},
        "net-xl": {"_class_name": "ControlNetModel", "cross_attention_dim": 2048},
        "adapter": {"_class_name": "T2IAdapter", "adapter_type": "full_adapter"},
        "clip": {"architectures": ["CLIPTextModel"], "hidden_size": 768},
        "some-vae": {"_class_name": "AutoencoderKL"},
        "vae-xl": {"_class_name": "AutoencoderKL"},
        "llama": {"model_type": "llama"},
        "bare": {},
    }
    for name, config in configs.items():
        path = folder / name
        path.mkdir()
        (path / "config.json").write_text(json.dumps(config))
        yield path


def _odd(folder: Path) -> Iterator[Path]:
    """Files and folders that are hardly models."""
    cut = files.embedding(folder / "cut.safetensors")
    cut.write_bytes(cut.read_bytes()[:-10])
    yield cut
    for name in ("a.bin", "a.ckpt", "a.gguf", "a.onnx", "A.SAFETENSORS", "a.zip"):
        yield files.junk(folder / name)
    for name, place in (("near", "x"), ("far", "a/b/x"), ("too-far", "a/b/c/x")):
        files.embedding(folder / name / f"{place}.safetensors")
        yield folder / name
    many = folder / "many"
    files.embedding(many / "x.safetensors")
    for number in range(60):
        files.junk(many / f"{number}.txt")
    yield many
