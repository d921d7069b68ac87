"""Parameters that a script sends to the web interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Optional

from pydantic import BaseModel, ConfigDict, Field

from .images import ImageNotFoundError, Images
from .models_inventory import Models

_Percent = Optional[Annotated[float, Field(ge=0, le=1)]]
_Pixels = Optional[Annotated[int, Field(ge=64)]]
_Whole = Optional[Annotated[int, Field(ge=0)]]


class _Lora(BaseModel):
    model_name: str
    weight: Annotated[float, Field(ge=-10, le=10)] = 0.75
    is_enabled: bool = True


class _Adapter(BaseModel):
    model_name: str
    image_name: Optional[str] = None
    weight: Annotated[float, Field(ge=-1, le=2)] = 1.0
    begin_step_percent: _Percent = None
    end_step_percent: _Percent = None


class _ControlLayer(_Adapter):
    control_mode: Optional[Literal["balanced", "more_prompt", "more_control"]] = None


class _IpAdapter(_Adapter):
    method: Optional[Literal["full", "style", "composition"]] = None
    image_influence: Optional[Literal["lowest", "low", "medium", "high", "highest"]] = (
        None
    )


class _ReferenceImage(BaseModel):
    image_name: str


class Parameters(BaseModel):
    """What can be sent; everything is optional."""

    model_config = ConfigDict(extra="forbid")

    positive_prompt: Optional[str] = None
    negative_prompt: Optional[str] = None
    model: Optional[str] = None
    refiner_model: Optional[str] = None
    vae_model: Optional[str] = None
    scheduler: Optional[str] = None
    steps: Optional[Annotated[int, Field(ge=1)]] = None
    refiner_steps: _Whole = None
    cfg_scale: Optional[float] = None
    cfg_rescale_multiplier: Optional[float] = None
    refiner_cfg_scale: Optional[float] = None
    guidance: Optional[float] = None
    width: _Pixels = None
    height: _Pixels = None
    seed: _Whole = None
    denoise_strength: _Percent = None
    refiner_denoise_start: _Percent = None
    clip_skip: _Whole = None
    seamless_x: Optional[bool] = None
    seamless_y: Optional[bool] = None
    refiner_positive_aesthetic_score: Optional[float] = None
    refiner_negative_aesthetic_score: Optional[float] = None
    loras: Optional[list[_Lora]] = None
    control_layers: Optional[list[_ControlLayer]] = None
    ip_adapters: Optional[list[_IpAdapter]] = None
    reference_images: Optional[list[_ReferenceImage]] = None

    def image_names(self) -> list[str]:
        """The images that are referred to."""
        holders: list[Any] = [
            *(self.control_layers or ()),
            *(self.ip_adapters or ()),
            *(self.reference_images or ()),
        ]
        return [one.image_name for one in holders if one.image_name is not None]

    def provided(self, *, strict: bool) -> dict[str, Any]:
        """The values by name: those that are not null, or all, lists being empty."""
        values = self.model_dump()
        if not strict:
            return {key: value for key, value in values.items() if value is not None}
        lists = ("loras", "control_layers", "ip_adapters", "reference_images")
        return {
            key: [] if value is None and key in lists else value
            for key, value in values.items()
        }


class Resolver:
    """Finds the models and images that parameters name; what is unknown is left out."""

    def __init__(self, models: Models, images: Images) -> None:
        self._models = models
        self._images = images

    def resolved(self, provided: dict[str, Any], given: Parameters) -> dict[str, Any]:
        """The parameters as the web interface is told them."""
        values = dict(provided)
        if isinstance(values.get("model"), str):
            key = self._key(values["model"], "main")
            if key is None:
                del values["model"]
            else:
                values["model"] = key
        if given.loras is not None:
            values["loras"] = [
                {"model_key": key, "weight": one.weight, "is_enabled": one.is_enabled}
                for one in given.loras
                for key in [self._key(one.model_name, "lora")]
                if key is not None
            ]
        if given.control_layers is not None:
            kinds = ("controlnet", "t2i_adapter", "lora")
            values["control_layers"] = self._adapters(given.control_layers, kinds)
        if given.ip_adapters is not None:
            kinds_of_two = ("ip_adapter", "flux_redux")
            values["ip_adapters"] = self._adapters(given.ip_adapters, kinds_of_two)
        if given.reference_images is not None:
            values["reference_images"] = [
                {"image": image}
                for one in given.reference_images
                for image in [self._image(one.image_name)]
                if image is not None
            ]
        return values

    def _key(self, name: str, *kinds: str) -> Optional[str]:
        for kind in kinds:
            for config in self._models.matching(type=kind):
                if config["name"] == name:
                    return str(config["key"])
        return None

    def _image(self, name: str) -> Optional[dict[str, Any]]:
        try:
            row = self._images.record(name)
        except ImageNotFoundError:
            return None
        return {"image_name": name, "width": row["width"], "height": row["height"]}

    def _adapters(
        self, adapters: Sequence[_Adapter], kinds: Sequence[str]
    ) -> list[dict[str, Any]]:
        found = []
        for adapter in adapters:
            values = adapter.model_dump(exclude_none=True)
            key = self._key(values.pop("model_name"), *kinds)
            if key is None:
                continue
            config: dict[str, Any] = {"model_key": key, "weight": values.pop("weight")}
            image = self._image(values.pop("image_name", ""))
            if image is not None:
                config["image"] = image
            found.append({**config, **values})
        return found
