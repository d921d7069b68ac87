"""What the server can make of prompts, as flows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import Request, RetryRule
from invokeai_py_client._core.send import call, call_model, given, post
from invokeai_py_client.prompt.models import DynamicPrompts, ExpandedPrompt

MOST_PROMPTS = 10_000

# The server loads a language model and runs it before it answers.
LANGUAGE_MODEL_TIMEOUT = 1800.0


def expand_dynamic(
    prompt: str, max_prompts: int, combinatorial: bool, seed: Optional[int]
) -> Flow[DynamicPrompts]:
    """The variants that a prompt in the syntax of dynamic prompts stands for."""
    if not 1 <= max_prompts <= MOST_PROMPTS:
        raise ValueError(f"max_prompts={max_prompts} must be from 1 to {MOST_PROMPTS}")
    if seed is not None and combinatorial:
        raise ValueError("seed= is for combinatorial=False, where variants are drawn")
    body: dict[str, Any] = {
        "prompt": prompt,
        "max_prompts": max_prompts,
        "combinatorial": combinatorial,
        "seed": seed,
    }
    # It computes and changes nothing.
    request = post("/api/v1/utilities/dynamicprompts", json=body, retry=RetryRule.SAFE)
    return (yield from call_model(DynamicPrompts, request))


def expand(
    prompt: str,
    model_key: str,
    *,
    max_tokens: Optional[int] = None,
    system_prompt: Optional[str] = None,
    seed: Optional[int] = None,
    task_id: Optional[str] = None,
) -> Flow[ExpandedPrompt]:
    """Let a language model write a longer prompt."""
    values = {
        "prompt": prompt,
        "model_key": model_key,
        "max_tokens": max_tokens,
        "system_prompt": system_prompt,
        "seed": seed,
        "task_id": task_id,
    }
    request = _for_language_model("expand-prompt", values)
    return (yield from call_model(ExpandedPrompt, request))


def describe_image(
    image_name: str,
    model_key: str,
    *,
    instruction: Optional[str] = None,
    task_id: Optional[str] = None,
) -> Flow[str]:
    """Let a vision model say what is in an image."""
    values = {
        "image_name": image_name,
        "model_key": model_key,
        "instruction": instruction,
        "task_id": task_id,
    }
    request = _for_language_model("image-to-prompt", values)
    data = parse(dict[str, Any], (yield from call(request)))
    return parse(str, data.get("prompt"))


def _for_language_model(task: str, values: Mapping[str, Any]) -> Request:
    return post(
        f"/api/v1/utilities/{task}",
        json=given(values),
        timeout=LANGUAGE_MODEL_TIMEOUT,
    )
