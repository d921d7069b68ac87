"""Values that only a server can turn into what goes on the wire.

A model's name, a board's name or a local image cannot be sent as they are. A field
holds them as a `Reference`; before a submission `find_references` collects those of
all values, each is looked up or uploaded, and `replace_references` puts the answers in
their place:

| reference | answer | on the wire |
| --- | --- | --- |
| `ModelReference` | the model's record: key, hash, name, base, type | the record |
| `BoardReference` | the board's id | `{"board_id": id}`, bare: the id |
| `ImageReference` | the image's name on that server | `{"image_name": name}` |
| `VideoReference` | the video's name on that server | `{"video_name": name}` |
| `StylePresetReference` | the preset's id | `{"style_preset_id": id}` |
| `SystemPromptReference` | the prompt's id | `{"system_prompt_id": id}` |
| `WorkflowReference` | the saved workflow's id | the id |

References are immutable, hashable and compare by what they refer to.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Optional


class Reference:
    """Something to look up on, or to move to, the server a workflow runs on."""

    _KEY: ClassVar[str] = ""

    def __repr__(self) -> str:
        # As the user wrote it: `<model 'Juggernaut XL'>`.
        written = getattr(self, "text", None) or getattr(self, "source", None)
        if isinstance(written, bytes):
            written = f"{len(written)} bytes"
        kind = type(self).__name__.replace("Reference", "")
        words = re.sub("(?<!^)([A-Z])", r" \1", kind).lower()
        return f"<{words} {reprlib.repr(str(written))}>"

    def _wire(self, answer: Any) -> Any:
        """What goes on the wire once the server's answer is known."""
        return {self._KEY: answer} if self._KEY else answer

    # Immutable, and an image's source may be large.
    def __deepcopy__(self, memo: dict[int, Any]) -> Reference:
        return self


@dataclass(frozen=True, repr=False)
class ModelReference(Reference):
    """A model by its name, key or hash.

    Attributes:
        text: The name, key or hash; names match without regard to case.
        base: Base models to choose from, such as ``("sdxl",)``; empty allows any.
        type: Model types to choose from, such as ``("main",)``; empty allows any.
        format: Formats to choose from; empty allows any.
        variant: Variants to choose from; empty allows any.
        provider_id: Providers of external models to choose from; empty allows any.
        submodel_type: The part of the model to load; goes into the record.
    """

    text: str
    base: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    format: tuple[str, ...] = ()
    variant: tuple[str, ...] = ()
    provider_id: tuple[str, ...] = ()
    submodel_type: Optional[str] = None

    def has_detail_of(self, model: Any) -> bool:
        """Whether a record has the variant and the provider to choose from."""
        variant = getattr(model, "variant", None)
        provider = (model.model_extra or {}).get("provider_id")
        return (not self.variant or variant in self.variant) and (
            not self.provider_id or provider in self.provider_id
        )

    def _wire(self, answer: Any) -> Any:
        if self.submodel_type is None:
            return answer
        return {**answer, "submodel_type": self.submodel_type}


@dataclass(frozen=True, repr=False)
class BoardReference(Reference):
    """A board by its name or id; `bare` where the wire takes the id alone."""

    _KEY: ClassVar[str] = "board_id"

    text: str
    bare: bool = False

    def _wire(self, answer: Any) -> Any:
        # What means no board is sent without a key.
        return answer if self.bare or answer == "none" else super()._wire(answer)


@dataclass(frozen=True, eq=False, repr=False)
class _MediaReference(Reference):
    source: Any

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        if isinstance(self.source, (Path, bytes)):
            return bool(self.source == other.source)
        # Comparing images in memory is slow, and some refuse.
        return self.source is other.source

    def __hash__(self) -> int:
        if isinstance(self.source, (Path, bytes)):
            return hash(self.source)
        return id(self.source)


@dataclass(frozen=True, eq=False, repr=False)
class ImageReference(_MediaReference):
    """An image that may have to be uploaded first.

    Attributes:
        source: An absolute `Path` that existed when it was set, the `bytes` of an
            image file, a PIL image, a NumPy array, or an `IvkImage`, which may be of
            another server; where it is of the same one, its `image_name` is the answer.
    """

    _KEY: ClassVar[str] = "image_name"


@dataclass(frozen=True, eq=False, repr=False)
class VideoReference(_MediaReference):
    """A video that may have to be uploaded first.

    Attributes:
        source: An absolute `Path` that existed when it was set, the `bytes` of a
            video file, or an `IvkVideo`, which may be of another server.
    """

    _KEY: ClassVar[str] = "video_name"


@dataclass(frozen=True, repr=False)
class StylePresetReference(Reference):
    """A style preset by its name."""

    _KEY: ClassVar[str] = "style_preset_id"

    text: str


@dataclass(frozen=True, repr=False)
class SystemPromptReference(Reference):
    """A system prompt by its name."""

    _KEY: ClassVar[str] = "system_prompt_id"

    text: str


@dataclass(frozen=True, repr=False)
class WorkflowReference(Reference):
    """A workflow of the server's library by its name."""

    text: str


def find_references(value: Any) -> Iterator[Reference]:
    """Every reference inside a value, at any depth, in order, repeats included."""
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from find_references(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from find_references(item)


def replace_references(value: Any, answers: Mapping[Reference, Any]) -> Any:
    """A copy of `value` with the answers in place of the references.

    Raises:
        KeyError: A reference has no answer.
    """
    if isinstance(value, Reference):
        return value._wire(answers[value])
    if isinstance(value, Mapping):
        return {key: replace_references(item, answers) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [replace_references(item, answers) for item in value]
    return value
