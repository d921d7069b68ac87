"""`PromptRepository`: what the server can make of prompts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Optional

from pydantic import Field

from invokeai_py_client._arguments import Count, checks_arguments, whole_number
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import Request, RetryRule
from invokeai_py_client._core.send import call_field, call_model, drop_none, post
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import Runner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client._snapshot import Snapshot
from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.image.models import ImageLike
from invokeai_py_client.model.flows import key_flow
from invokeai_py_client.model.lookup import ModelLike


@set_module("invokeai_py_client.prompts")
class DynamicPrompts(Snapshot):
    """The variants of a prompt.

    Attributes:
        error: Why the prompt could not be read; then `prompts` holds it as it is.
    """

    prompts: list[str] = Field(default_factory=list)
    error: Optional[str] = None


@set_module("invokeai_py_client.prompts")
class ExpandedPrompt(Snapshot):
    """A longer prompt that a language model made of a short one.

    Attributes:
        seed: With which the same model makes the same text again.
    """

    expanded_prompt: str
    seed: Optional[int] = None
    error: Optional[str] = None


MOST_PROMPTS = 10_000
MaxPrompts = Annotated[int, whole_number(1, MOST_PROMPTS)]

# The server loads a language model and runs it before it answers.
LANGUAGE_MODEL_TIMEOUT = 1800.0


def expand_flow(model: ModelLike, values: Mapping[str, Any]) -> Flow[ExpandedPrompt]:
    """Let a language model write a longer prompt."""
    request = yield from _for_language_model("expand-prompt", model, values)
    return (yield from call_model(ExpandedPrompt, request))


def describe_image_flow(model: ModelLike, values: Mapping[str, Any]) -> Flow[str]:
    """Let a vision model say what is in an image."""
    request = yield from _for_language_model("image-to-prompt", model, values)
    return (yield from call_field(str, request, "prompt"))


def _for_language_model(
    task: str, model: ModelLike, values: Mapping[str, Any]
) -> Flow[Request]:
    body = {**drop_none(values), "model_key": (yield from key_flow(model))}
    url = f"/api/v1/utilities/{task}"
    return post(url, json=body, timeout=LANGUAGE_MODEL_TIMEOUT)


@set_module("invokeai_py_client.prompts")
@checks_arguments
class PromptRepository(Repository[Runner]):
    """Variants of prompts, and texts that language models on the server write."""

    def expand_dynamic_prompt(
        self,
        prompt: str,
        *,
        max_prompts: MaxPrompts = 1000,
        combinatorial: bool = True,
        seed: Optional[int] = None,
    ) -> DynamicPrompts:
        """List the variants of a prompt such as ``"a {red|blue} house"``.

        Args:
            prompt: In the syntax of dynamic prompts.
            max_prompts: At most this many, up to 10 000.
            combinatorial: True lists every combination in order; False draws
                `max_prompts` of them.
            seed: For drawing the same variants again.

        Returns:
            The variants; `error` says what is wrong with the prompt, if anything.
        """
        if seed is not None and combinatorial:
            raise ArgumentError("seed", seed, "None unless combinatorial=False")
        request = post(
            "/api/v1/utilities/dynamicprompts",
            json={
                "prompt": prompt,
                "max_prompts": max_prompts,
                "combinatorial": combinatorial,
                "seed": seed,
            },
            # It computes and changes nothing.
            retry=RetryRule.SAFE,
        )
        return self._runner.run(call_model(DynamicPrompts, request))

    def expand_prompt(
        self,
        prompt: str,
        *,
        model: ModelLike,
        max_tokens: Optional[Count] = None,
        system_prompt: Optional[str] = None,
        seed: Optional[int] = None,
        task_id: Optional[str] = None,
    ) -> ExpandedPrompt:
        """Let a language model write a detailed prompt; it may take minutes.

        Args:
            prompt: The short prompt.
            model: A model of type ``"text_llm"``, its name or its key.
            max_tokens: At most this long, up to 2048; None for the server's 300.
            system_prompt: The instructions of the model; None for those of the server.
            seed: To get the same text again, from 0 to 4294967295.
            task_id: Any text; the `LanguageModelEvent`s of the work carry it.

        Raises:
            NotFoundError: No model has this key.
            UnprocessableEntityError: The model is not a language model.
            UnsupportedVersionError: The server is older than 6.13.
        """
        values = {
            "prompt": prompt,
            "max_tokens": max_tokens,
            "system_prompt": system_prompt,
            "seed": seed,
            "task_id": task_id,
        }
        return self._runner.run(expand_flow(model, values))

    def describe_image(
        self,
        image: ImageLike,
        *,
        model: ModelLike,
        instruction: Optional[str] = None,
        task_id: Optional[str] = None,
    ) -> str:
        """Let a vision model write a prompt for an image; it may take minutes.

        Args:
            image: An image of the server, or its name.
            model: A model of type ``"llava_onevision"``, its name or its key.
            instruction: The question for the model; None for that of the server.
            task_id: Any text; the `LanguageModelEvent`s of the work carry it.

        Raises:
            NotFoundError: There is no such image or model.
            UnprocessableEntityError: The model is not a vision model.
            UnsupportedVersionError: The server is older than 6.13.
        """
        values = {
            "image_name": str(image),
            "instruction": instruction,
            "task_id": task_id,
        }
        return self._runner.run(describe_image_flow(model, values))
