"""`PromptRepository`: what the server can make of prompts."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client._io.runner import Runner
from invokeai_py_client.image.models import ImageLike, image_name_of
from invokeai_py_client.model.flows import ModelKey, key_of
from invokeai_py_client.prompt import flows
from invokeai_py_client.prompt.models import DynamicPrompts, ExpandedPrompt

__all__ = ["PromptRepository"]


class PromptRepository:
    """Variants of prompts, and texts that language models on the server write.

    Args:
        runner: What runs the flows: the client's.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def expand_dynamic_prompt(
        self,
        prompt: str,
        *,
        max_prompts: int = 1000,
        combinatorial: bool = True,
        seed: Optional[int] = None,
    ) -> DynamicPrompts:
        """List the variants of a prompt such as ``"a {red|blue} house"``.

        Args:
            prompt: In the syntax of dynamic prompts.
            max_prompts: At most this many, up to 10 000.
            combinatorial: True gives every combination in order; False draws
                `max_prompts` of them.
            seed: For drawing the same variants again.

        Returns:
            The variants; `error` says what is wrong with the prompt, if anything.
        """
        return self._runner.run(
            flows.expand_dynamic(prompt, max_prompts, combinatorial, seed)
        )

    def expand_prompt(
        self,
        prompt: str,
        model: ModelKey,
        *,
        max_tokens: Optional[int] = None,
        system_prompt: Optional[str] = None,
        seed: Optional[int] = None,
        task_id: Optional[str] = None,
    ) -> ExpandedPrompt:
        """Let a language model write a detailed prompt; it may take minutes.

        Args:
            prompt: The short prompt.
            model: Key or record of an installed model of type ``"text_llm"``.
            max_tokens: At most this long, up to 2048; None for the server's 300.
            system_prompt: What the model is told to do; None for the server's words.
            seed: To get the same text again, from 0 to 4294967295.
            task_id: Any text; the `LanguageModelEvent`s of the work carry it.

        Raises:
            NotFoundError: No model has this key.
            UnprocessableEntityError: The model is no language model.
            UnsupportedVersionError: The server is older than 6.13.
        """
        return self._runner.run(
            flows.expand(
                prompt,
                key_of(model),
                max_tokens=max_tokens,
                system_prompt=system_prompt,
                seed=seed,
                task_id=task_id,
            )
        )

    def describe_image(
        self,
        image: ImageLike,
        model: ModelKey,
        *,
        instruction: Optional[str] = None,
        task_id: Optional[str] = None,
    ) -> str:
        """Let a vision model write a prompt for an image; it may take minutes.

        Args:
            image: An image of the server, or its name.
            model: Key or record of an installed model of type ``"llava_onevision"``.
            instruction: What the model is asked; None for the server's words.
            task_id: Any text; the `LanguageModelEvent`s of the work carry it.

        Raises:
            NotFoundError: There is no such image or model.
            UnprocessableEntityError: The model is no vision model.
            UnsupportedVersionError: The server is older than 6.13.
        """
        return self._runner.run(
            flows.describe_image(
                image_name_of(image),
                key_of(model),
                instruction=instruction,
                task_id=task_id,
            )
        )
