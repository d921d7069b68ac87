"""`RecallRepository`: putting parameters into the GUI's generation panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Optional, Union

from pydantic import ConfigDict, Field, ValidationError

from invokeai_py_client._arguments import Name, checks_arguments
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.send import call_model, get, post, route
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import Runner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client._snapshot import Snapshot
from invokeai_py_client.exceptions import ArgumentError


class _Part(Snapshot):
    # The server refuses keys that it does not know; so they are refused here.
    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", protected_namespaces=()
    )


@set_module("invokeai_py_client.prompts")
class RecallLoRA(_Part):
    """A LoRA by the name of its model.

    Attributes:
        weight: From -10 to 10.
    """

    model_name: str
    weight: float = Field(default=0.75, ge=-10, le=10)
    is_enabled: bool = True


@set_module("invokeai_py_client.prompts")
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


@set_module("invokeai_py_client.prompts")
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


@set_module("invokeai_py_client.prompts")
class RecallReferenceImage(_Part):
    """A reference image that needs no model, by its name on the server."""

    image_name: str


@set_module("invokeai_py_client.prompts")
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
        ArgumentError: One is unknown or has a value that the server would refuse.
    """
    try:
        return RecallParameters.model_validate(parameters)
    except ValidationError as error:
        words = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        )
        raise ArgumentError(
            "parameters", parameters, "parameters that the GUI has", hint=words
        ) from None


@set_module("invokeai_py_client.prompts")
class RecallResult(Snapshot):
    """What the server sent on to the GUI.

    Attributes:
        status: ``"success"``, or ``"no_parameters_provided"``.
        updated_count: How many parameters were stored.
        parameters: What open GUIs received; models by their keys.
        unresolved: What the server left out silently, because it knows no model or
            image of that name.
    """

    status: str
    updated_count: int = 0
    parameters: dict[str, Any] = Field(default_factory=dict)
    unresolved: list[str] = Field(default_factory=list)


def unresolved(sent: Mapping[str, Any], received: Mapping[str, Any]) -> list[str]:
    """The parameters that were sent and that the server left out."""
    missing = []
    for name, value in sent.items():
        answer = received.get(name)
        if isinstance(value, list):
            count = len(answer) if isinstance(answer, list) else 0
            if count < len(value):
                missing.append(f"{name}: {len(value) - count} of {len(value)}")
        elif name not in received:
            missing.append(f"{name}: {value}")
    return missing


RECALL = "/api/v1/recall/{}"


def send_parameters_flow(
    queue_id: str, parameters: RecallParameters, *, strict: bool, append: bool
) -> Flow[RecallResult]:
    """Store the parameters and notify the GUIs that are open."""
    body = parameters.model_dump(mode="json", exclude_none=True)
    request = post(
        route(RECALL, queue_id),
        params={"strict": str(strict).lower(), "append": str(append).lower()},
        json=body,
    )
    result = yield from call_model(RecallResult, request)
    missing = unresolved(body, result.parameters)
    return result.model_copy(update={"unresolved": missing})


@set_module("invokeai_py_client.prompts")
@checks_arguments
class RecallRepository(Repository[Runner]):
    """Hands parameters to the user's GUI, as its own "recall" does; from 6.12 on."""

    def send_parameters(
        self,
        parameters: Union[RecallParameters, Mapping[str, Any]],
        *,
        strict: bool = False,
        append: bool = False,
        queue_id: Name = "default",
    ) -> RecallResult:
        """Put parameters into the GUI; windows that are open take them at once.

        The server leaves out silently what it cannot find; `unresolved` of the
        result lists it.

        Args:
            parameters: What to set; models by their names.
            strict: Reset all others to their defaults.
            append: Add reference images to those in the GUI instead of replacing
                them.
            queue_id: The queue that the GUI shows.

        Raises:
            ArgumentError: A parameter is unknown or out of range, or both `strict` and
                `append` are wanted.
            PermissionDeniedError: An image belongs to another user.
        """
        if strict and append:
            raise ArgumentError("append", append, "False together with strict=True")
        wanted = recall_parameters(parameters)
        return self._runner.run(
            send_parameters_flow(queue_id, wanted, strict=strict, append=append)
        )

    def get_recall_status(self, *, queue_id: Name = "default") -> dict[str, Any]:
        """Ask whether parameters can be recalled.

        Servers up to 6.14 do not return what was sent; listen for the event
        ``recall_parameters_updated`` instead.
        """
        request = get(route(RECALL, queue_id))
        return self._runner.run(call_model(dict[str, Any], request))
