"""What the files of a model are: a small part of what the real server recognises.

Folders are told by their configuration, `.safetensors` files by their tensors
(`model_tensors.py`). What is not told here is `unknown`, as it is on the real server
when it does not know either. Nothing is unpickled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

from .model_folder import MODEL_SUFFIXES
from .model_tensors import (
    BASES,
    VARIANTS,
    embedding_base,
    identify_tensors,
    tensor_shapes,
)

Fields = dict[str, Any]

_CONFIGS = ("config.json", "model_index.json")
_MOST_FILES = 50
_DEEPEST = 2
_PIPELINES = {
    "StableDiffusionPipeline",
    "StableDiffusionInpaintPipeline",
    "StableDiffusionXLPipeline",
    "StableDiffusionXLInpaintPipeline",
    "StableDiffusionXLImg2ImgPipeline",
    "LatentConsistencyModelPipeline",
}
_SIZES = {"sd-1": 512, "sd-2": 768, "sdxl": 1024}
_CLIP = {"CLIPModel", "CLIPTextModel", "CLIPTextModelWithProjection"}
_CLIP_SIZES = {768: "large", 1280: "gigantic"}
_ADAPTERS = {
    "full_adapter_xl": "sdxl",
    "full_adapter": "sd-1",
    "light_adapter": "sd-1",
}
# What prepares the picture for a ControlNet or adapter whose name has a word in it.
_PREPROCESSORS = {
    "canny": "canny_image_processor",
    "mlsd": "mlsd_image_processor",
    "depth": "depth_anything_image_processor",
    "bae": "normalbae_image_processor",
    "normal": "normalbae_image_processor",
    "sketch": "pidi_image_processor",
    "scribble": "lineart_image_processor",
    "lineart anime": "lineart_anime_image_processor",
    "lineart_anime": "lineart_anime_image_processor",
    "lineart": "lineart_image_processor",
    "soft": "hed_image_processor",
    "hed": "hed_image_processor",
    "shuffle": "content_shuffle_image_processor",
    "pose": "dw_openpose_image_processor",
    "mediapipe": "mediapipe_face_processor",
    "pidi": "pidi_image_processor",
    "zoe": "zoe_depth_image_processor",
    "color": "color_map_image_processor",
}


def check_path(path: Path) -> None:
    """Refuse what does not even look like a model.

    Raises:
        ValueError: A file of another kind, or a folder without a model's files.
        FileNotFoundError: Nothing is there.
    """
    if path.is_file():
        if path.suffix.lower() not in MODEL_SUFFIXES:
            raise ValueError(
                f"File extension {path.suffix} is not a recognized model format. "
                f"Expected one of: {', '.join(MODEL_SUFFIXES)}"
            )
        return
    if any(_is_marker(_json(path / name)) for name in _CONFIGS):
        return
    files = [part for part in path.rglob("[!.]*") if part.is_file()]
    if len(files) > _MOST_FILES:
        raise ValueError(
            f"Directory contains more than {_MOST_FILES} files. This looks like a "
            "general-purpose directory rather than a model. Please provide a path to "
            "a specific model file or model directory."
        )
    if not _has_model(path, 0):
        raise ValueError(
            f"No model files or config files found in directory {path}. Expected to "
            f"find model files with extensions: {', '.join(MODEL_SUFFIXES)} or config "
            f"files: {', '.join(_CONFIGS)}"
        )


def _is_marker(config: Mapping[str, Any]) -> bool:
    return bool(_class_name(config) or isinstance(config.get("model_type"), str))


def _has_model(folder: Path, depth: int) -> bool:
    return depth <= _DEEPEST and any(
        part.suffix.lower() in MODEL_SUFFIXES
        if part.is_file()
        else _has_model(part, depth + 1)
        for part in folder.iterdir()
    )


def name_of(path: Path) -> str:
    """What a model is called that was given no name."""
    known = (".safetensors", ".bin", ".pt", ".ckpt")
    return path.stem if path.suffix in known else path.name


def identify(path: Path, name: str) -> Optional[Fields]:
    """What is at a path: type, base and format, and what else its kind needs.

    Args:
        path: A file or folder that passed `check_path`.
        name: What the model is to be called; some can be told by it alone.

    Returns:
        None when it is unknown.
    """
    found: Optional[Fields] = None
    if path.is_dir():
        found = _pipeline(path) or _component(path, name) or _embeddings(path)
    elif path.suffix == ".safetensors":
        found = identify_tensors(path)
    if found and found["type"] == "main":
        size = _SIZES.get(found["base"])
        found["default_settings"] = size and {"width": size, "height": size}
    if found and found["type"] in ("controlnet", "t2i_adapter"):
        told = (how for word, how in _PREPROCESSORS.items() if word in name.lower())
        found["default_settings"] = {"preprocessor": next(told, None)}
    return found


def _json(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _class_name(config: Mapping[str, Any]) -> str:
    names = config.get("architectures")
    first = names[0] if isinstance(names, list) and names else ""
    return str(config.get("_class_name") or first)


def _config(path: Path) -> Mapping[str, Any]:
    return next(filter(None, (_json(path / name) for name in _CONFIGS)), {})


def _pipeline(path: Path) -> Optional[Fields]:
    if _class_name(_config(path)) not in _PIPELINES:
        return None
    unet = _json(path / "unet" / "config.json")
    scheduler = _json(path / "scheduler" / "scheduler_config.json")
    base = BASES.get(unet.get("cross_attention_dim", 0))
    variant = VARIANTS.get(unet.get("in_channels", 0))
    if base is None or variant is None or not scheduler:
        return None
    return {
        "type": "main",
        "format": "diffusers",
        "base": base,
        "variant": variant,
        "prediction_type": scheduler.get("prediction_type", "epsilon"),
        "repo_variant": _repo_variant(path),
    }


def _repo_variant(path: Path) -> str:
    weights = [*path.rglob("*.safetensors"), *path.rglob("*.bin")]
    return "fp16" if any(".fp16" in part.suffixes for part in weights) else ""


def _component(path: Path, name: str) -> Optional[Fields]:
    config = _config(path)
    kind = _class_name(config)
    found: Optional[Fields] = None
    if kind in ("AutoencoderKL", "AutoencoderTiny"):
        large = (
            config.get("scaling_factor") == 0.13025
            and config.get("sample_size") in (512, 1024)
        ) or re.search(r"xl\b", name, re.IGNORECASE)
        found = {"type": "vae", "base": "sdxl" if large else "sd-1"}
    elif kind == "ControlNetModel":
        base = BASES.get(config.get("cross_attention_dim", 0), "")
        if base in ("sd-1", "sd-2", "sdxl"):
            repo_variant = _repo_variant(path)
            found = {"type": "controlnet", "base": base, "repo_variant": repo_variant}
    elif kind == "T2IAdapter" and config.get("adapter_type") in _ADAPTERS:
        found = {"type": "t2i_adapter", "base": _ADAPTERS[config["adapter_type"]]}
    elif kind in _CLIP and config.get("hidden_size") in _CLIP_SIZES:
        size = _CLIP_SIZES[config["hidden_size"]]
        found = {"type": "clip_embed", "base": "any", "variant": size}
    return found and {**found, "format": "diffusers"}


def _embeddings(path: Path) -> Optional[Fields]:
    """A folder is for what one of its files is for."""
    for part in sorted(path.rglob("*.safetensors")):
        found = embedding_base(tensor_shapes(part) or {}) if part.is_file() else None
        if found is not None:
            return {**found, "format": "embedding_folder"}
    return None
