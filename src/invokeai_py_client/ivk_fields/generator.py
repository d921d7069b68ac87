"""Generators: what a generator node makes its values of.

One frozen class per kind of generator; names and defaults are those of the 6.14.2
workflow editor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Optional, Union

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
)

from invokeai_py_client.exceptions import FieldProblem, FieldValidationError
from invokeai_py_client.exceptions.workflow import shown
from invokeai_py_client.ivk_fields.references import BoardReference
from invokeai_py_client.ivk_fields.resource import board_from
from invokeai_py_client.ivk_fields.template_field import RefusedError, TemplateField
from invokeai_py_client.ivk_fields.value_rules import must_be

Whole = Annotated[int, Field(strict=True)]


def _not_bool(value: Any) -> Any:
    if isinstance(value, (bool, str)):
        raise ValueError("must be a number")
    return value


# An integer stays one, so that the wire has what was given.
Number = Annotated[Union[Whole, FiniteFloat], BeforeValidator(_not_bool)]


class GeneratorConfig(BaseModel):
    """Base of the kinds; `wire()` is the object that a workflow file holds."""

    type: ClassVar[str]
    """What the wire calls the kind."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", protected_namespaces=()
    )

    def __init__(self, **settings: Any) -> None:
        """Make a generator.

        Raises:
            FieldValidationError: A setting is not allowed, or has no such name.
        """
        try:
            super().__init__(**settings)
        except ValidationError as error:
            problem = FieldProblem(_first_words(error), "value", value=settings)
            raise FieldValidationError([problem]) from error

    def wire(self) -> dict[str, Any]:
        """The object on the wire; what is None is left out."""
        # Not `model_dump`: a board may be a reference, which stays what it is.
        names = ("type", *type(self).model_fields)
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}


class FloatConfig(GeneratorConfig):
    """Floats; `values`, when given, are used instead of what the kind would make."""

    values: Optional[list[Number]] = None


class FloatArithmeticSequence(FloatConfig):
    """``start``, ``start + step``, … : `count` numbers; a step of 0 makes one."""

    type: ClassVar[str] = "float_generator_arithmetic_sequence"
    start: Number = 0
    step: Number = 0.1
    count: Whole = 10


class FloatLinearDistribution(FloatConfig):
    """`count` numbers from `start` to `end`, both included."""

    type: ClassVar[str] = "float_generator_linear_distribution"
    start: Number = 0
    end: Number = 1
    count: Whole = 10


class FloatRandomUniform(FloatConfig):
    """`count` random numbers from `min` up to `max`; without a seed, new ones."""

    type: ClassVar[str] = "float_generator_random_distribution_uniform"
    min: Number = 0
    max: Number = 1
    count: Whole = 10
    seed: Optional[Whole] = None


class FloatParseString(FloatConfig):
    """The numbers in a string, split at `splitOn`."""

    type: ClassVar[str] = "float_generator_parse_string"
    input: str = "0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1"
    splitOn: str = ","  # noqa: N815 the wire's name


class IntegerArithmeticSequence(GeneratorConfig):
    """``start``, ``start + step``, … : `count` integers; a step of 0 makes one."""

    type: ClassVar[str] = "integer_generator_arithmetic_sequence"
    start: Whole = 0
    step: Whole = 1
    count: Whole = 10


class IntegerLinearDistribution(GeneratorConfig):
    """`count` integers from `start` to `end`, both included, rounded."""

    type: ClassVar[str] = "integer_generator_linear_distribution"
    start: Whole = 0
    end: Whole = 10
    count: Whole = 10


class IntegerRandomUniform(GeneratorConfig):
    """`count` random integers from `min` to `max`; without a seed, new ones."""

    type: ClassVar[str] = "integer_generator_random_distribution_uniform"
    min: Whole = 0
    max: Whole = 10
    count: Whole = 10
    seed: Optional[Whole] = None


class IntegerParseString(GeneratorConfig):
    """The integers in a string, split at `splitOn`."""

    type: ClassVar[str] = "integer_generator_parse_string"
    input: str = "1,2,3,4,5,6,7,8,9,10"
    splitOn: str = ","  # noqa: N815 the wire's name


class StringParseString(GeneratorConfig):
    """The parts of a string, split at `splitOn`; empty ones are left out."""

    type: ClassVar[str] = "string_generator_parse_string"
    input: str = "foo,bar,baz,qux"
    splitOn: str = ","  # noqa: N815 the wire's name


class StringDynamicPromptsCombinatorial(GeneratorConfig):
    """Every prompt a template such as ``a {red|blue} cat`` makes, up to a number."""

    type: ClassVar[str] = "string_generator_dynamic_prompts_combinatorial"
    input: str = "a super {cute|ferocious} {dog|cat}"
    maxPrompts: Annotated[Whole, Field(ge=1)] = 10  # noqa: N815 the wire's name


class StringDynamicPromptsRandom(GeneratorConfig):
    """`count` random prompts of a template; the server makes them."""

    type: ClassVar[str] = "string_generator_dynamic_prompts_random"
    input: str = "a super {cute|ferocious} {dog|cat}"
    count: Annotated[Whole, Field(ge=1)] = 10
    seed: Optional[Whole] = None


class ImagesFromBoard(GeneratorConfig):
    """The images (or assets) of a board; without one, none.

    `board_id` takes what a board input takes: a name or a `Board` too; ``"none"`` is
    the uncategorized images.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)

    type: ClassVar[str] = "image_generator_images_from_board"
    board_id: Optional[Any] = None
    category: Literal["images", "assets"] = "images"


class _GeneratorField(TemplateField[Any]):
    """A generator: a config object, or its wire form with the ``type`` of its kind."""

    # The classes of what may be set, the one of a fresh node first.
    kinds: ClassVar[tuple[type[GeneratorConfig], ...]]

    @property
    def config(self) -> Optional[GeneratorConfig]:
        """The value as an object; None when unset or not valid."""
        if not self.is_set or self.problems():
            return None
        return self._read(self.value)

    def _accept(self, value: Any) -> Any:
        if isinstance(value, GeneratorConfig):
            return self._read(value.wire()).wire()
        found = self._read(value)
        unknown = set(value) - {"type", *type(found).model_fields}
        if unknown:
            names = ", ".join(sorted(map(repr, unknown)))
            raise RefusedError(f"{found.type} has no {names}")
        return found.wire()

    def _read(self, value: Any) -> GeneratorConfig:
        if not isinstance(value, Mapping):
            raise RefusedError(must_be("a generator", value))
        for kind in self.kinds:
            if kind.type == value.get("type"):
                known = {k: v for k, v in value.items() if k in kind.model_fields}
                try:
                    return kind(**known)
                except FieldValidationError as error:
                    raise RefusedError(error.problems[0]) from error
        got = shown(value.get("type"))
        raise RefusedError(f"no such generator here: {got}", "choice")

    def _wire_problems(self, value: Any) -> Iterator[FieldProblem]:
        try:
            self._read(value)
        except RefusedError as error:
            yield error.problem

    def _item_schema(self) -> dict[str, Any]:
        return {"anyOf": [_schema_of(kind) for kind in self.kinds]}

    @property
    def allowed(self) -> str:
        """The kinds of generators, by their type on the wire."""
        kinds = ", ".join(f"{kind.type} ({kind.__name__})" for kind in self.kinds)
        return f"a generator of type {kinds}"


def _schema_of(kind: type[GeneratorConfig]) -> dict[str, Any]:
    schema = kind.model_json_schema()
    schema["properties"]["type"] = {"const": kind.type, "type": "string"}
    return {**schema, "required": ["type"]}


def _first_words(error: ValidationError) -> str:
    item = error.errors(include_url=False, include_context=False)[0]
    return f"{item['loc'][0]}: {item['msg']}, got {shown(item['input'])}"


class IvkFloatGeneratorField(_GeneratorField):
    """A generator of floats: `FloatArithmeticSequence` and its kin."""

    kinds: ClassVar[tuple[type[GeneratorConfig], ...]] = (
        FloatArithmeticSequence,
        FloatLinearDistribution,
        FloatRandomUniform,
        FloatParseString,
    )


class IvkIntegerGeneratorField(_GeneratorField):
    """A generator of integers: `IntegerArithmeticSequence` and its kin."""

    kinds: ClassVar[tuple[type[GeneratorConfig], ...]] = (
        IntegerArithmeticSequence,
        IntegerLinearDistribution,
        IntegerRandomUniform,
        IntegerParseString,
    )


class IvkStringGeneratorField(_GeneratorField):
    """A generator of strings: `StringParseString` or dynamic prompts."""

    kinds: ClassVar[tuple[type[GeneratorConfig], ...]] = (
        StringParseString,
        StringDynamicPromptsCombinatorial,
        StringDynamicPromptsRandom,
    )


class IvkImageGeneratorField(_GeneratorField):
    """A generator of images: `ImagesFromBoard`; a board alone is taken for one."""

    kinds: ClassVar[tuple[type[GeneratorConfig], ...]] = (ImagesFromBoard,)

    def _accept(self, value: Any) -> Any:
        if not isinstance(value, (GeneratorConfig, Mapping)):
            value = {"type": ImagesFromBoard.type, "board_id": value}
        found = super()._accept(value)
        board = found.get("board_id")
        if board is None or board == "none":
            return found
        board = board_from(board)
        if board == "auto":
            raise RefusedError("board_id must name a board, not 'auto'", "choice")
        if isinstance(board, BoardReference):
            board = BoardReference(board.text, bare=True)
        elif isinstance(board, Mapping):
            board = board["board_id"]
        return {**found, "board_id": board}

    def _wire_problems(self, value: Any) -> Iterator[FieldProblem]:
        yield from super()._wire_problems(value)
        board = value.get("board_id") if isinstance(value, Mapping) else None
        if board is not None and not isinstance(board, (str, BoardReference)):
            yield FieldProblem(f"board_id must be an id, got {shown(board)}", "type")
