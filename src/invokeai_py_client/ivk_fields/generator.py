"""Generators: what a generator node makes its values of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Optional

from pydantic import ValidationError

from invokeai_py_client.ivk_fields.board import board_from
from invokeai_py_client.ivk_fields.faults import Fault, shown
from invokeai_py_client.ivk_fields.generator_configs import (
    GENERATORS,
    GeneratorConfig,
    config_of,
    kind_of,
)
from invokeai_py_client.ivk_fields.references import BoardReference
from invokeai_py_client.ivk_fields.template_field import RefusedError, TemplateField


class _GeneratorField(TemplateField[Any]):
    """A generator: a config object, or its wire form with the ``type`` of its kind."""

    @property
    def kinds(self) -> tuple[type[GeneratorConfig], ...]:
        """The classes of what may be set."""
        return GENERATORS[self.TYPE]

    @property
    def config(self) -> Optional[GeneratorConfig]:
        """The value as an object; None when unset or not valid."""
        if not isinstance(self.value, Mapping) or self.problems():
            return None
        kind = config_of(self.TYPE, self.value)
        return None if kind is None else kind.model_validate(self.value)

    def _accept(self, value: Any) -> Any:
        if isinstance(value, GeneratorConfig):
            value = value.wire()
        if not isinstance(value, Mapping):
            raise RefusedError(
                "type", f"must be a generator, got {shown(value)}", self.allowed
            )
        kind = config_of(self.TYPE, value)
        if kind is None:
            raise RefusedError(
                "choice",
                f"no such generator here: {shown(value.get('type'))}",
                self.allowed,
            )
        try:
            return kind.model_validate(dict(value)).wire()
        except ValidationError as error:
            raise RefusedError("value", _first_words(error), self.allowed) from error

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        if not isinstance(value, Mapping):
            yield Fault(
                "type", f"must be a generator, got {shown(value)}", self.allowed
            )
            return
        kind = config_of(self.TYPE, value)
        if kind is None:
            got = shown(value.get("type"))
            yield Fault("choice", f"no such generator here: {got}", self.allowed)
            return
        try:
            kind.model_validate(dict(value))
        except ValidationError as error:
            yield Fault("value", _first_words(error), self.allowed)

    @property
    def allowed(self) -> str:
        """The kinds of generators, by their type on the wire."""
        kinds = ", ".join(f"{kind_of(kind)} ({kind.__name__})" for kind in self.kinds)
        return f"a generator of type {kinds}"


def _first_words(error: ValidationError) -> str:
    item = error.errors(include_url=False, include_context=False)[0]
    return f"{item['loc'][0]}: {item['msg']}, got {shown(item['input'])}"


class IvkFloatGeneratorField(_GeneratorField):
    """A generator of floats: `FloatArithmeticSequence` and its kin."""

    TYPE: ClassVar[str] = "FloatGeneratorField"


class IvkIntegerGeneratorField(_GeneratorField):
    """A generator of integers: `IntegerArithmeticSequence` and its kin."""

    TYPE: ClassVar[str] = "IntegerGeneratorField"


class IvkStringGeneratorField(_GeneratorField):
    """A generator of texts: `StringParseString` or dynamic prompts."""

    TYPE: ClassVar[str] = "StringGeneratorField"


class IvkImageGeneratorField(_GeneratorField):
    """A generator of images: `ImagesFromBoard`; a board alone is taken for one."""

    TYPE: ClassVar[str] = "ImageGeneratorField"

    def _accept(self, value: Any) -> Any:
        if not isinstance(value, (GeneratorConfig, Mapping)):
            value = {"type": kind_of(self.kinds[0]), "board_id": value}
        found = super()._accept(value)
        board = found.get("board_id")
        if board is None or board == "none":
            return found
        board = board_from(board)
        if board == "auto":
            raise RefusedError("choice", "board_id must name a board, not 'auto'")
        if isinstance(board, BoardReference):
            board = BoardReference(board.text, bare=True)
        elif isinstance(board, Mapping):
            board = board["board_id"]
        return {**found, "board_id": board}

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        yield from super()._wire_faults(value)
        board = value.get("board_id") if isinstance(value, Mapping) else None
        if board is not None and not isinstance(board, (str, BoardReference)):
            yield Fault("type", f"board_id must be an id, got {shown(board)}")
