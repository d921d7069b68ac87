"""`Recipe`: what made an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client._arguments import PathLike, checked
from invokeai_py_client._exports import html_table, one_line, set_module
from invokeai_py_client.exceptions import ImageError, ImageFileNotFoundError
from invokeai_py_client.recipe.read_recipe import (
    OTHER_TEXTS,
    Known,
    read_recipe,
)
from invokeai_py_client.recipe.values import RecipeValue, model_name, unknown
from invokeai_py_client.workflow.document.png_metadata import (
    is_image,
    png_size,
    read_texts,
)
from invokeai_py_client.workflow.document.unwrap import PNG_TEXTS

_WORKFLOW, _GRAPH, _METADATA = PNG_TEXTS


@set_module("invokeai_py_client")
@dataclass(frozen=True)
class Recipe:
    """What made an image; each value says where it is known from.

    A value that nothing tells, or on which several nodes differ, is None here, and its
    `RecipeValue` says why.

    Attributes:
        image: The image's name on the server, or the file.
        size: Its width and height in pixels; None when they are not known.
        values: Prompt, seed, model and the like, by name.
        inputs: The inputs of the workflow's form, by name.
        notes: What could not be read.
    """

    image: str
    size: Optional[tuple[int, int]] = None
    values: Mapping[str, RecipeValue] = field(default_factory=dict)
    inputs: Mapping[str, RecipeValue] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    @checked
    def from_file(cls, path: PathLike) -> Recipe:
        """Read what a local image file says; asks no server.

        Only a PNG says anything: what InvokeAI stores in it, or the texts of
        Automatic1111 and of InvokeAI 1 to 3. Of another image all is unknown.

        Raises:
            ImageFileNotFoundError: There is no such file.
            ImageError: It is not an image.
        """
        file = Path(path)
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            raise ImageFileNotFoundError(f"there is no file {file}") from None
        except OSError as error:
            raise ImageError(f"{file} cannot be read: {error.strerror}") from error
        return cls.from_bytes(content, image=str(file))

    @classmethod
    @checked
    def from_bytes(cls, content: bytes, *, image: str = "the image") -> Recipe:
        """Read what the content of an image file says; see `from_file`.

        Args:
            content: The file.
            image: What to call it.

        Raises:
            ImageError: It is not an image.
        """
        if not is_image(content):
            raise ImageError(f"{image} is not a PNG, JPEG, WebP or GIF image")
        size = png_size(content)
        texts = read_texts(content, {*PNG_TEXTS, *OTHER_TEXTS}, image)
        known = Known(
            texts.pop(_WORKFLOW, None),
            texts.pop(_GRAPH, None),
            texts.pop(_METADATA, None),
            texts=texts,
        )
        recipe = make_recipe(known, image, size)
        if size is None:
            note = "only PNG files say what made them"
            return replace(recipe, notes=(*recipe.notes, note))
        return recipe

    def _value(self, name: str) -> Any:
        return self.values.get(name, unknown(name)).value

    @property
    def prompt(self) -> Optional[str]:
        """The positive prompt."""
        return _text(self._value("prompt"))

    @property
    def negative_prompt(self) -> Optional[str]:
        """The negative prompt."""
        return _text(self._value("negative_prompt"))

    @property
    def seed(self) -> Optional[int]:
        """The seed of the noise."""
        return _whole(self._value("seed"))

    @property
    def model(self) -> Optional[str]:
        """The main model's name."""
        return model_name(self._value("model"))

    @property
    def steps(self) -> Optional[int]:
        """How many steps the noise was taken away in."""
        return _whole(self._value("steps"))

    @property
    def cfg_scale(self) -> Any:
        """How closely the image follows the prompt; a list has one for each step."""
        return self._value("cfg_scale")

    @property
    def scheduler(self) -> Optional[str]:
        """The scheduler; other programs call it the sampler, by names of their own."""
        return _text(self._value("scheduler"))

    @property
    def width(self) -> Optional[int]:
        """The width in pixels that was generated; the image may be larger."""
        return _whole(self._value("width"))

    @property
    def height(self) -> Optional[int]:
        """The height in pixels that was generated; the image may be larger."""
        return _whole(self._value("height"))

    def __repr__(self) -> str:
        known = (value for value in self.values.values() if value.is_known)
        shown = ", ".join(f"{v.name}={v.shown[:40]!r}" for v in known)
        return one_line(f"<Recipe of {self.image}: {shown or 'unknown'}>")

    def __str__(self) -> str:
        return "\n".join([f"{self.image}:", *map(str, self._rows)])

    @property
    def _rows(self) -> list[RecipeValue]:
        return [*self.values.values(), *self.inputs.values()]

    def _repr_html_(self) -> str:
        rows = [(v.name, v.shown, v.source, v.place or v.note) for v in self._rows]
        return html_table(("name", "value", "source", "node"), rows)


def _text(value: Any) -> Optional[str]:
    return value if isinstance(value, str) else None


def _whole(value: Any) -> Optional[int]:
    return value if type(value) is int else None


def make_recipe(
    known: Known, image: str, size: Optional[tuple[int, int]] = None
) -> Recipe:
    """The recipe of what is known of an image."""
    read = read_recipe(known)
    return Recipe(image, size, read.values, read.inputs, read.notes)
