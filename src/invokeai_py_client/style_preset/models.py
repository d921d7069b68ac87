"""What the server says about style presets."""

from __future__ import annotations

from typing import Optional, Union

from pydantic import Field

from invokeai_py_client._snapshot import OpenEnum, Snapshot

__all__ = [
    "PresetPrompts",
    "StylePreset",
    "StylePresetLike",
    "StylePresetType",
    "style_preset_id_of",
]


class StylePresetType(OpenEnum):
    """Whose a style preset is."""

    USER = "user"
    DEFAULT = "default"


class PresetPrompts(Snapshot):
    """The prompts of a style preset; ``{prompt}`` stands for the user's own."""

    positive_prompt: str = ""
    negative_prompt: str = ""


class StylePreset(Snapshot):
    """A style preset, which the GUI calls prompt template.

    Attributes:
        id: The server's id.
        type: `DEFAULT` for those that come with the server.
        is_public: Whether all users see it.
        image: Where its picture is, relative to the server's address; None without
            one.
    """

    id: str = Field(min_length=1)
    name: str
    preset_data: PresetPrompts
    type: StylePresetType = StylePresetType.USER
    is_public: bool = False
    user_id: Optional[str] = None
    image: Optional[str] = None

    @property
    def positive_prompt(self) -> str:
        """The positive prompt; ``{prompt}`` stands for the user's own."""
        return self.preset_data.positive_prompt

    @property
    def negative_prompt(self) -> str:
        """The negative prompt; ``{prompt}`` stands for the user's own."""
        return self.preset_data.negative_prompt


StylePresetLike = Union[str, StylePreset]
"""A style preset, or its id."""


def style_preset_id_of(preset: StylePresetLike) -> str:
    """The id of `preset`.

    Raises:
        TypeError: It is neither an id nor a style preset.
        ValueError: The id is empty.
    """
    value = preset.id if isinstance(preset, StylePreset) else preset
    if not isinstance(value, str):
        raise TypeError(
            f"expected a style preset or its id, not {type(preset).__name__}"
        )
    if not value:
        raise ValueError("the id of a style preset cannot be empty")
    return value
