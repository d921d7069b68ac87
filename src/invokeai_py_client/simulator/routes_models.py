"""Models: list and look up, change, remove, their covers and relations."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

from PIL import Image
from pydantic import BaseModel

from .choices import Direction, ModelOrder
from .model_install import probe
from .model_kinds import RecordError, bundled_kinds
from .models_inventory import Config, DuplicateModelError
from .resizing import small_picture
from .wire import ApiError, Call, CrashError, Reply, UploadedFile, missing, route

_M = "/api/v2/models"
_R = "/api/v1/model_relationships"
# What a model keeps when it is identified again.
_KEPT = ("path", "key", "name", "description", "source", "source_type")


class _Keys(BaseModel):
    keys: list[str]


class _ModelKeys(BaseModel):
    model_keys: list[str]


class _Pair(BaseModel):
    model_key_1: str
    model_key_2: str


def _shown(call: Call, config: Config) -> Config:
    """A record with the address of its cover, new every time."""
    if not call.simulation.model_folder.has_cover(config["key"]):
        return {**config, "cover_image": None}
    url = f"api/v2/models/i/{config['key']}/image?{uuid.uuid4()}"
    return {**config, "cover_image": url}


@route("GET", f"{_M}/")
def _list(call: Call) -> Any:
    kinds, models = bundled_kinds(), call.simulation.models
    query = call.arguments(
        base_models=(list[kinds.named("BaseModelType")], None),  # type: ignore[misc]
        model_type=(kinds.named("ModelType"), None),
        model_name=(str, None),
        model_format=(kinds.named("ModelFormat"), None),
        order_by=(ModelOrder, "name"),
        direction=(Direction, "ASC"),
    )
    found: list[Config] = []
    for base in query["base_models"] or [None]:
        fitting = models.matching(
            base=base,
            type=query["model_type"],
            name=query["model_name"],
            format=query["model_format"],
        )
        descending = query["direction"] == "DESC"
        found += models.ordered(fitting, query["order_by"], descending=descending)
    return {"models": [_shown(call, config) for config in found]}


@route("GET", f"{_M}/get_by_attrs")
def _by_attributes(call: Call) -> Any:
    kinds, models = bundled_kinds(), call.simulation.models
    type_, base = kinds.named("ModelType"), kinds.named("BaseModelType")
    wanted = call.arguments(name=(str,), type=(type_,), base=(base,))
    found = models.ordered(models.matching(**wanted), "default", descending=False)
    if not found:
        raise ApiError(404, "No model found with these attributes")
    return _shown(call, found[0])


@route("GET", f"{_M}/get_by_hash")
def _by_hash(call: Call) -> Any:
    wanted = call.argument("hash", str)
    found = [c for c in call.simulation.models.all() if c["hash"] == wanted]
    if not found:
        raise ApiError(404, "No model found with this hash")
    return _shown(call, found[0])


@route("GET", f"{_M}/missing")
def _missing(call: Call) -> Any:
    models, folder = call.simulation.models, call.simulation.model_folder
    gone = [
        config
        for config in models.all()
        if models.has_files(config["key"])
        and not folder.locate(config["path"]).exists()
    ]
    return {"models": gone}


def _model(call: Call) -> Config:
    config = call.simulation.models.find(call.params["key"])
    if config is None:
        raise ApiError(404, "model not found")
    return config


@route("GET", f"{_M}/i/{{key}}")
def _get(call: Call) -> Any:
    return _shown(call, _model(call))


@route("PATCH", f"{_M}/i/{{key}}", "admin")
def _update(call: Call) -> Any:
    changes = call.read(bundled_kinds().named("ModelRecordChanges"))
    if "key" in changes.model_fields_set and changes.key != call.params["key"]:
        raise ApiError(422, "A model's key cannot be changed")
    try:
        return _shown(call, call.simulation.models.change(_model(call), changes))
    except RecordError as error:
        raise ApiError(409, str(error)) from error
    except DuplicateModelError as error:
        raise CrashError(str(error)) from error  # the server does not expect that


def _remove(call: Call, key: str) -> None:
    """Remove a model with its files; its cover stays.

    Raises:
        LookupError: There is none; the text is the server's.
    """
    config = call.simulation.models.find(key)
    if config is None:
        raise LookupError("model not found")
    if call.simulation.models.has_files(key):
        call.simulation.model_folder.discard(config["path"])
    call.simulation.models.remove(key)


@route("DELETE", f"{_M}/i/{{key}}", "admin")
def _delete(call: Call) -> Any:
    try:
        _remove(call, call.params["key"])
    except LookupError as error:
        raise ApiError(404, str(error)) from error
    return Reply(status=204, media_type=None)


def _each(call: Call, verb: Callable[[Call, str], Any], done: str) -> Any:
    result: dict[str, list[Any]] = {done: [], "failed": []}
    for key in call.read(_Keys).keys:
        problem = _problem(call, verb, key)
        if problem is None:
            result[done].append(key)
        else:
            result["failed"].append({"key": key, "error": problem})
    return result


def _problem(call: Call, verb: Callable[[Call, str], Any], key: str) -> Optional[str]:
    try:
        verb(call, key)
    except (LookupError, ValueError, OSError) as error:
        return str(error)
    return None


@route("POST", f"{_M}/i/bulk_delete", "admin")
def _delete_many(call: Call) -> Any:
    return _each(call, _remove, "deleted")


def _identify(call: Call, key: str) -> Config:
    """Look again at the files of a model.

    Raises:
        LookupError: There is none; the text is the server's.
        ValueError: The files are no model any more.
        OSError: They cannot be read.
    """
    models = call.simulation.models
    config = models.find(key)
    if config is None:
        raise LookupError("model not found")
    if not models.has_files(key):
        return config
    path = call.simulation.model_folder.locate(config["path"])
    record = probe(path, {})
    kept = {field: config[field] for field in _KEPT}
    if "trigger_phrases" in record:
        kept["trigger_phrases"] = config.get("trigger_phrases")
    record.update(kept)
    models.replace(key, record)
    return record


@route("POST", f"{_M}/i/bulk_reidentify", "admin")
def _identify_many(call: Call) -> Any:
    return _each(call, _identify, "succeeded")


@route("POST", f"{_M}/i/{{key}}/reidentify", "admin")
def _identify_one(call: Call) -> Any:
    try:
        return _identify(call, call.params["key"])
    except LookupError as error:
        raise ApiError(404, str(error)) from error
    except (ValueError, OSError) as error:
        raise CrashError(str(error)) from error


@route("PUT", f"{_M}/convert/{{key}}", "admin")
def _convert(call: Call) -> Any:
    key = call.params["key"]
    config = call.simulation.models.find(key)
    if config is None:
        raise ApiError(424, "model not found")
    bases = ("sd-1", "sd-2", "sdxl", "sdxl-refiner")
    kind = (config["type"], config["format"])
    if kind != ("main", "checkpoint") or config["base"] not in bases:
        raise ApiError(
            400, f"The model with key {key} is not a main SD 1/2/XL checkpoint model."
        )
    raise CrashError("there are no weights to convert")


def _cover(call: Call) -> Path:
    key = call.params["key"]
    if key in (".", "..") or not key.isprintable():
        raise ApiError(404, f"Invalid model key {key!r}")
    return call.simulation.model_folder.cover(key)


@route("GET", f"{_M}/i/{{key}}/image", "public")
def _image(call: Call) -> Any:
    path = _cover(call)
    if not path.exists():
        raise CrashError  # the server does not expect that
    headers = {
        "cache-control": "max-age=31536000",
        "content-disposition": f'inline; filename="{call.params["key"]}.png"',
    }
    # It is a WebP file, whatever the server says.
    return Reply(path.read_bytes(), media_type="image/png", headers=headers)


@route("PATCH", f"{_M}/i/{{key}}/image", "admin")
def _set_image(call: Call) -> Any:
    image = call.form.get("image")
    if not isinstance(image, UploadedFile):
        raise ApiError(422, [missing(("body", "image"))])
    if not (image.media_type or "").startswith("image"):
        raise ApiError(415, "Not an image")
    _model(call)
    path = _cover(call)
    try:
        picture = Image.open(io.BytesIO(image.data))
    except (OSError, ValueError) as error:
        raise ApiError(415, "Failed to read image") from error
    try:
        small = small_picture(picture)
    except (OSError, ValueError, SyntaxError) as error:
        raise CrashError(str(error)) from error
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(small)
    return None


@route("DELETE", f"{_M}/i/{{key}}/image", "admin")
def _delete_image(call: Call) -> Any:
    path = _cover(call)
    if not path.exists():
        raise ApiError(404, "Model image file not found")
    path.unlink()
    return Reply(status=204)


@route("GET", f"{_R}/i/{{key}}")
def _related(call: Call) -> Any:
    return call.simulation.models.related(call.params["key"])


@route("POST", f"{_R}/batch")
def _related_to_any(call: Call) -> Any:
    keys = call.read(_ModelKeys).model_keys
    related = (call.simulation.models.related(key) for key in keys)
    return list(dict.fromkeys(key for found in related for key in found))


def _pair(call: Call, verb: str) -> tuple[str, str]:
    pair = call.read(_Pair)
    if pair.model_key_1 == pair.model_key_2:
        raise ApiError(400, f"Cannot {verb} itself.")
    return pair.model_key_1, pair.model_key_2


@route("POST", f"{_R}/", "admin")
def _relate(call: Call) -> Any:
    try:
        call.simulation.models.relate(*_pair(call, "relate a model to"))
    except LookupError as error:
        raise CrashError(str(error)) from error  # the server does not expect that
    return Reply(status=204)


@route("DELETE", f"{_R}/", "admin")
def _unrelate(call: Call) -> Any:
    call.simulation.models.unrelate(*_pair(call, "unlink a model from"))
    return Reply(status=204)
