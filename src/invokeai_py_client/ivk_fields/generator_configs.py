"""What a generator node is told to make: one frozen class per kind of generator.

Names and defaults are those of the 6.14.2 workflow editor. `GENERATORS` maps a field
type to its kinds, the fresh one first; `config_of` reads a stored object.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Optional, Union

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat

Whole = Annotated[int, Field(strict=True)]


def _not_bool(value: Any) -> Any:
    if isinstance(value, (bool, str)):
        raise ValueError("must be a number")
    return value


# An integer stays one, so that the wire has what was given.
Number = Annotated[Union[Whole, FiniteFloat], BeforeValidator(_not_bool)]


class GeneratorConfig(BaseModel):
    """Base of the kinds; `wire()` is the object that a workflow file holds."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="ignore", protected_namespaces=()
    )

    def wire(self) -> dict[str, Any]:
        """The object on the wire; what is None is left out."""
        # Not `model_dump`: a board may be a reference, which stays what it is.
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in values.items() if value is not None}


class FloatConfig(GeneratorConfig):
    """Floats; `values`, when given, are used instead of what the kind would make."""

    values: Optional[list[Number]] = None


class FloatArithmeticSequence(FloatConfig):
    """``start``, ``start + step``, … : `count` numbers; a step of 0 makes one."""

    type: Literal["float_generator_arithmetic_sequence"] = (
        "float_generator_arithmetic_sequence"
    )
    start: Number = 0
    step: Number = 0.1
    count: Whole = 10


class FloatLinearDistribution(FloatConfig):
    """`count` numbers from `start` to `end`, both included."""

    type: Literal["float_generator_linear_distribution"] = (
        "float_generator_linear_distribution"
    )
    start: Number = 0
    end: Number = 1
    count: Whole = 10


class FloatRandomUniform(FloatConfig):
    """`count` random numbers from `min` up to `max`; without a seed, new ones."""

    type: Literal["float_generator_random_distribution_uniform"] = (
        "float_generator_random_distribution_uniform"
    )
    min: Number = 0
    max: Number = 1
    count: Whole = 10
    seed: Optional[Whole] = None


class FloatParseString(FloatConfig):
    """The numbers in a text, split at `splitOn`."""

    type: Literal["float_generator_parse_string"] = "float_generator_parse_string"
    input: str = "0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1"
    splitOn: str = ","  # noqa: N815 the wire's name


class IntegerArithmeticSequence(GeneratorConfig):
    """``start``, ``start + step``, … : `count` integers; a step of 0 makes one."""

    type: Literal["integer_generator_arithmetic_sequence"] = (
        "integer_generator_arithmetic_sequence"
    )
    start: Whole = 0
    step: Whole = 1
    count: Whole = 10


class IntegerLinearDistribution(GeneratorConfig):
    """`count` integers from `start` to `end`, both included, rounded."""

    type: Literal["integer_generator_linear_distribution"] = (
        "integer_generator_linear_distribution"
    )
    start: Whole = 0
    end: Whole = 10
    count: Whole = 10


class IntegerRandomUniform(GeneratorConfig):
    """`count` random integers from `min` to `max`; without a seed, new ones."""

    type: Literal["integer_generator_random_distribution_uniform"] = (
        "integer_generator_random_distribution_uniform"
    )
    min: Whole = 0
    max: Whole = 10
    count: Whole = 10
    seed: Optional[Whole] = None


class IntegerParseString(GeneratorConfig):
    """The integers in a text, split at `splitOn`."""

    type: Literal["integer_generator_parse_string"] = "integer_generator_parse_string"
    input: str = "1,2,3,4,5,6,7,8,9,10"
    splitOn: str = ","  # noqa: N815 the wire's name


class StringParseString(GeneratorConfig):
    """The parts of a text, split at `splitOn`; empty ones are left out."""

    type: Literal["string_generator_parse_string"] = "string_generator_parse_string"
    input: str = "foo,bar,baz,qux"
    splitOn: str = ","  # noqa: N815 the wire's name


class StringDynamicPromptsCombinatorial(GeneratorConfig):
    """Every prompt a template such as ``a {red|blue} cat`` makes, up to a number."""

    type: Literal["string_generator_dynamic_prompts_combinatorial"] = (
        "string_generator_dynamic_prompts_combinatorial"
    )
    input: str = "a super {cute|ferocious} {dog|cat}"
    maxPrompts: Annotated[Whole, Field(ge=1)] = 10  # noqa: N815 the wire's name


class StringDynamicPromptsRandom(GeneratorConfig):
    """`count` random prompts of a template; the server makes them."""

    type: Literal["string_generator_dynamic_prompts_random"] = (
        "string_generator_dynamic_prompts_random"
    )
    input: str = "a super {cute|ferocious} {dog|cat}"
    count: Annotated[Whole, Field(ge=1)] = 10
    seed: Optional[Whole] = None


class ImagesFromBoard(GeneratorConfig):
    """The images (or assets) of a board; without one, none.

    `board_id` takes what a board input takes: a name or a `Board` too; ``"none"`` is
    the uncategorized images.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)

    type: Literal["image_generator_images_from_board"] = (
        "image_generator_images_from_board"
    )
    board_id: Optional[Any] = None
    category: Literal["images", "assets"] = "images"


GENERATORS: Mapping[str, tuple[type[GeneratorConfig], ...]] = {
    "FloatGeneratorField": (
        FloatArithmeticSequence,
        FloatLinearDistribution,
        FloatRandomUniform,
        FloatParseString,
    ),
    "IntegerGeneratorField": (
        IntegerArithmeticSequence,
        IntegerLinearDistribution,
        IntegerRandomUniform,
        IntegerParseString,
    ),
    "StringGeneratorField": (
        StringParseString,
        StringDynamicPromptsCombinatorial,
        StringDynamicPromptsRandom,
    ),
    "ImageGeneratorField": (ImagesFromBoard,),
}


def kind_of(config: type[GeneratorConfig]) -> str:
    """The `type` on the wire of a kind of generator."""
    return str(config.model_fields["type"].default)


def config_of(
    field_type: str, value: Mapping[str, Any]
) -> Optional[type[GeneratorConfig]]:
    """The class for a stored object by its ``type``; None when there is none."""
    for config in GENERATORS[field_type]:
        if value.get("type") == kind_of(config):
            return config
    return None
