"""Parameters that can be put into the GUI's generation panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Optional, Union

from pydantic import ConfigDict, Field, ValidationError

from invokeai_py_client._snapshot import Snapshot

__all__ = [
    "RecallControlLayer",
    "RecallIPAdapter",
    "RecallLoRA",
    "RecallParameters",
    "RecallReferenceImage",
    "RecallResult",
]


class _Part(Snapshot):
    # The server refuses keys that it does not know; so they are refused here.
    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", protected_namespaces=()
    )


class RecallLoRA(_Part):
    """A LoRA by the name of its model.

    Attributes:
        weight: From -10 to 10.
    """

    model_name: str
    weight: float = Field(default=0.75, ge=-10, le=10)
    is_enabled: bool = True


class RecallControlLayer(_Part):
    """A ControlNet, T2I adapter or Control LoRA by the name of its model.

    Attributes:
        image_name: An image on the server.
        weight: From -1 to 2.
        begin_step_percent: From 0 to 1, of all steps.
        end_step_percent: From 0 to 1, of all steps.
    """

    model_name: str
    image_name: Optional[str] = None
    weight: float = Field(default=1.0, ge=-1, le=2)
    begin_step_percent: Optional[float] = Field(default=None, ge=0, le=1)
    end_step_percent: Optional[float] = Field(default=None, ge=0, le=1)
    control_mode: Optional[Literal["balanced", "more_prompt", "more_control"]] = None


class RecallIPAdapter(_Part):
    """An IP adapter by the name of its model.

    Attributes:
        image_name: An image on the server.
        weight: From -1 to 2.
        image_influence: For FLUX Redux models.
    """

    model_name: str
    image_name: Optional[str] = None
    weight: float = Field(default=1.0, ge=-1, le=2)
    begin_step_percent: Optional[float] = Field(default=None, ge=0, le=1)
    end_step_percent: Optional[float] = Field(default=None, ge=0, le=1)
    method: Optional[Literal["full", "style", "composition"]] = None
    image_influence: Optional[Literal["lowest", "low", "medium", "high", "highest"]] = (
        None
    )


class RecallReferenceImage(_Part):
    """A reference image that needs no model, by its name on the server."""

    image_name: str


class RecallParameters(_Part):
    """What to put into the GUI's generation panel; None leaves a parameter out.

    Attributes:
        model: A main model's name; `refiner_model` and `vae_model` likewise.
        width: Pixels, from 64 on.
        height: Pixels, from 64 on.
        denoise_strength: From 0 to 1.
    """

    positive_prompt: Optional[str] = None
    negative_prompt: Optional[str] = None
    model: Optional[str] = None
    refiner_model: Optional[str] = None
    vae_model: Optional[str] = None
    scheduler: Optional[str] = None
    steps: Optional[int] = Field(default=None, ge=1)
    refiner_steps: Optional[int] = Field(default=None, ge=0)
    cfg_scale: Optional[float] = None
    cfg_rescale_multiplier: Optional[float] = None
    refiner_cfg_scale: Optional[float] = None
    guidance: Optional[float] = None
    width: Optional[int] = Field(default=None, ge=64)
    height: Optional[int] = Field(default=None, ge=64)
    seed: Optional[int] = Field(default=None, ge=0)
    denoise_strength: Optional[float] = Field(default=None, ge=0, le=1)
    refiner_denoise_start: Optional[float] = Field(default=None, ge=0, le=1)
    clip_skip: Optional[int] = Field(default=None, ge=0)
    seamless_x: Optional[bool] = None
    seamless_y: Optional[bool] = None
    refiner_positive_aesthetic_score: Optional[float] = None
    refiner_negative_aesthetic_score: Optional[float] = None
    loras: Optional[list[RecallLoRA]] = None
    control_layers: Optional[list[RecallControlLayer]] = None
    ip_adapters: Optional[list[RecallIPAdapter]] = None
    reference_images: Optional[list[RecallReferenceImage]] = None


def recall_parameters(
    parameters: Union[RecallParameters, Mapping[str, Any]],
) -> RecallParameters:
    """Check parameters before they are sent.

    Raises:
        ValueError: One is unknown or has a value that the server would refuse.
    """
    try:
        return RecallParameters.model_validate(parameters)
    except ValidationError as error:
        words = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        )
        raise ValueError(f"these cannot be recalled: {words}") from error


class RecallResult(Snapshot):
    """What the server sent on to the GUI.

    Attributes:
        status: ``"success"``, or ``"no_parameters_provided"``.
        updated_count: How many parameters were stored.
        parameters: What open GUIs were told; models by their keys.
        unresolved: What the server left out silently, because it knows no model or
            image of that name.
    """

    status: str
    updated_count: int = 0
    parameters: dict[str, Any] = Field(default_factory=dict)
    unresolved: list[str] = Field(default_factory=list)


def unresolved(sent: Mapping[str, Any], told: Mapping[str, Any]) -> list[str]:
    """The parameters that were sent and that the server left out."""
    missing = []
    for name, value in sent.items():
        answer = told.get(name)
        if isinstance(value, list):
            count = len(answer) if isinstance(answer, list) else 0
            if count < len(value):
                missing.append(f"{name}: {len(value) - count} of {len(value)}")
        elif name not in told:
            missing.append(f"{name}: {value}")
    return missing
