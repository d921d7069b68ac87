"""Prompts written by language models: the real server's rules, stand-in texts."""

from __future__ import annotations

import random
from typing import Annotated, Any, Optional

from pydantic import BaseModel, Field

from .images import ImageNotFoundError
from .routes_images import read_access
from .wire import ApiError, Call, route

_U = "/api/v1/utilities"
_SEED_MAX = 2**32 - 1

# How the server's errors name the types of which the name is not the value.
_TYPE_NAMES = {
    "onnx": "ONNX", "vae": "VAE", "lora": "LoRA", "control_lora": "ControlLoRa",
    "controlnet": "ControlNet", "embedding": "TextualInversion",
    "ip_adapter": "IPAdapter", "clip_vision": "CLIPVision", "clip_embed": "CLIPEmbed",
    "siglip": "SigLIP", "text_llm": "TextLLM", "qwen_vl_encoder": "QwenVLEncoder",
    "qwen3_vl_encoder": "Qwen3VLEncoder", "pid_decoder": "PiDDecoder",
}  # fmt: skip


class _Expand(BaseModel):
    prompt: str
    model_key: str
    max_tokens: Annotated[int, Field(ge=1, le=2048)] = 300
    system_prompt: Optional[str] = None
    seed: Optional[Annotated[int, Field(ge=0, le=_SEED_MAX)]] = None
    task_id: Optional[str] = None


class _Describe(BaseModel):
    image_name: str
    model_key: str
    instruction: str = ""
    task_id: Optional[str] = None


class _Task:
    """A request that tells how far it is, if it was given an id."""

    def __init__(self, call: Call, task_id: Optional[str]) -> None:
        self._call = call
        self._task_id = task_id

    def tell(self, what: str, **payload: Any) -> None:
        """Send an event to who asked."""
        if self._task_id is not None:
            user_id = self._call.user.user_id
            about = {"task_id": self._task_id, "user_id": user_id}
            self._call.simulation.emit(f"llm_task_{what}", {**about, **payload})

    def progress(self, phase: str, message: str, tokens: Optional[int] = None) -> None:
        """Tell a phase."""
        self.tell(
            "progress",
            phase=phase,
            message=message,
            percentage=None if tokens is None else 1.0,
            current_tokens=tokens,
            total_tokens=tokens,
        )

    def fail(self, status: int, detail: str, told: Optional[str] = None) -> ApiError:
        """The error to answer, told also by an event."""
        self.tell("error", error=told or detail)
        return ApiError(status, detail)

    def load(self, key: str, wanted: str, title: str) -> None:
        """Look a model up.

        Raises:
            ApiError: 404 when there is none, 422 when it is of another type.
        """
        config = self._call.simulation.models.find(key)
        if config is None:
            raise self.fail(404, f"Model '{key}' not found", "Model not found")
        kind = config["type"]
        if kind != wanted:
            name = _TYPE_NAMES.get(kind) or kind.title().replace("_", "")
            raise self.fail(
                422, f"Model '{key}' is not a {title} model (got ModelType.{name})"
            )
        self.progress("loading_model", "Loading model")


@route("POST", f"{_U}/expand-prompt")
def _expand(call: Call) -> Any:
    given = call.read(_Expand)
    task = _Task(call, given.task_id)
    task.load(given.model_key, "text_llm", "TextLLM")
    task.progress("generating", "Generating", given.max_tokens)
    task.tell("complete")
    seed = random.randint(0, _SEED_MAX) if given.seed is None else given.seed
    text = f"{given.prompt}, as a simulated model expands it ({seed})"
    return {"expanded_prompt": text, "seed": seed, "error": None}


@route("POST", f"{_U}/image-to-prompt")
def _describe(call: Call) -> Any:
    given = call.read(_Describe)
    if not call.user.is_admin:
        read_access(call, given.image_name)
    task = _Task(call, given.task_id)
    task.load(given.model_key, "llava_onevision", "LLaVA OneVision")
    try:
        row = call.simulation.images.record(given.image_name)
    except ImageNotFoundError:
        detail = f"Image '{given.image_name}' not found"
        raise task.fail(404, detail, "Image not found") from None
    task.progress("generating", "Generating", 1)
    task.tell("complete")
    size = f"{row['width']} by {row['height']}"
    return {"prompt": f"a simulated picture of {size} pixels", "error": None}
