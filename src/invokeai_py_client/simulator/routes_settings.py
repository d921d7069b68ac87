"""Settings of the program, its log level, paid services, what it runs on."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Annotated, Any, Literal, Optional, Union
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, field_validator, model_validator

from .app_config import PROVIDERS, missing_device
from .wire import ApiError, Call, missing, route

_A = "/api/v1/app"
_DEVICE = re.compile(r"^(cpu|mps|xpu(:\d+)?|cuda(:\d+)?)$")

# Of the packages that a real server lists.
_PACKAGES = {
    "accelerate": "1.15.0", "compel": "2.5.1", "CUDA": "13.2", "diffusers": "0.40.0",
    "fastapi": "0.141.1", "InvokeAI": "", "numpy": "1.26.4",
    "opencv-contrib-python": "4.11.0.86", "pillow": "13.0.0", "pydantic": "2.14.3",
    "python-socketio": "5.18.1", "safetensors": "0.8.0", "torch": "2.15.0",
    "torchvision": "0.29.2", "transformers": "5.5.4", "uvicorn": "0.54.0",
}  # fmt: skip


class LogLevel(IntEnum):
    """The levels of Python's logging."""

    NOTSET = 0
    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50


class _Changes(BaseModel):
    image_subfolder_strategy: Optional[Literal["flat", "date", "type", "hash"]] = None
    max_queue_history: Optional[Annotated[int, Field(ge=0)]] = None
    generation_devices: Union[Literal["auto"], list[str], None] = None

    @field_validator("generation_devices")
    @classmethod
    def _known_devices(cls, value: Any) -> Any:
        if value == []:
            raise ValueError(
                "generation_devices cannot be an empty list. "
                "Use 'auto' or a list of devices."
            )
        for device in () if value in (None, "auto") else value:
            if not _DEVICE.match(device):
                raise ValueError(
                    f"Invalid generation device '{device}'. Valid values are 'auto', "
                    "'cpu', 'mps', 'cuda', 'cuda:N', 'xpu', or 'xpu:N'."
                )
        return value

    @model_validator(mode="after")
    def _not_null(self) -> _Changes:
        for name in ("image_subfolder_strategy", "generation_devices"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} may not be null")
        return self


class _Provider(BaseModel):
    api_key: Optional[str] = None
    base_url: Optional[str] = None


@route("GET", f"{_A}/app_deps")
def _packages(call: Call) -> Any:
    return {**_PACKAGES, "InvokeAI": call.simulation.schemas.version}


@route("GET", f"{_A}/patchmatch_status")
def _patchmatch(_call: Call) -> Any:
    return True


@route("GET", f"{_A}/generation_device_options")
def _devices(_call: Call) -> Any:
    return [{"device": "cpu", "name": "CPU"}]


def _shown(call: Call) -> Any:
    return call.simulation.config.shown(urlsplit(call.base_url).port)


@route("GET", f"{_A}/runtime_config", "admin")
def _config(call: Call) -> Any:
    return _shown(call)


@route("PATCH", f"{_A}/runtime_config", "admin")
def _change(call: Call) -> Any:
    changes = call.read(_Changes)
    problem = missing_device(changes.generation_devices or "auto")
    if problem is not None:
        raise ApiError(422, problem)
    call.simulation.config.change(changes.model_dump(exclude_unset=True))
    return _shown(call)


@route("GET", f"{_A}/logging", "admin")
def _level(call: Call) -> Any:
    return int(call.simulation.log_level)


@route("POST", f"{_A}/logging", "admin")
def _set_level(call: Call) -> Any:
    if call.json() is None:
        raise ApiError(422, [missing(("body",))])
    call.simulation.log_level = call.read(LogLevel)
    return int(call.simulation.log_level)


@route("GET", f"{_A}/external_providers/status")
def _statuses(call: Call) -> Any:
    config = call.simulation.config
    return [
        {
            "provider_id": name,
            "configured": config.provider(name)["api_key_configured"],
            "message": None,
        }
        for name in PROVIDERS
    ]


@route("GET", f"{_A}/external_providers/config", "admin")
def _providers(call: Call) -> Any:
    return [call.simulation.config.provider(name) for name in PROVIDERS]


def _provider_id(call: Call) -> str:
    name = call.params["provider_id"]
    if name not in PROVIDERS:
        raise ApiError(404, f"Unknown external provider '{name}'")
    return name


def _forget_models(call: Call, provider_id: str) -> None:
    models = call.simulation.models
    for config in models.matching(base="external", type="external_image_generator"):
        if config.get("provider_id") == provider_id:
            models.remove(config["key"])


@route("POST", f"{_A}/external_providers/config/{{provider_id}}", "admin")
def _set_provider(call: Call) -> Any:
    given = call.read(_Provider)
    provider_id = _provider_id(call)
    changes = {
        f"external_{provider_id}_{key}": value.strip() or None
        for key, value in given.model_dump(exclude_none=True).items()
    }
    if not changes:
        raise ApiError(400, "No external provider config fields provided")
    call.simulation.config.change(changes)
    if given.api_key is not None and not given.api_key.strip():
        _forget_models(call, provider_id)
    return call.simulation.config.provider(provider_id)


@route("DELETE", f"{_A}/external_providers/config/{{provider_id}}", "admin")
def _reset_provider(call: Call) -> Any:
    provider_id = _provider_id(call)
    names = ("api_key", "base_url")
    call.simulation.config.change(
        {f"external_{provider_id}_{name}": None for name in names}
    )
    _forget_models(call, provider_id)
    return call.simulation.config.provider(provider_id)
