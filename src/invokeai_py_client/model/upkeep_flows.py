"""Where models come from, and what the server keeps of them besides records."""

from __future__ import annotations

from invokeai_py_client._core.decode import decode, restated
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import Request
from invokeai_py_client._core.send import (
    call_model,
    delete,
    get,
    request_json,
    route,
    send,
)
from invokeai_py_client.exceptions import (
    APIStatusError,
    ImageError,
    InternalServerError,
    ModelError,
    NotFoundError,
)
from invokeai_py_client.image.media_flows import open_source, read_whole
from invokeai_py_client.image.sources import ImageSource
from invokeai_py_client.model.flows import MODEL, get_model, key_flow
from invokeai_py_client.model.install_flows import NO_INTERNET
from invokeai_py_client.model.lookup import ModelLike
from invokeai_py_client.model.models import FoundModel, HuggingFaceRepository

COVER = MODEL + "/image"

# The server reads every file below the folder.
SCAN_TIMEOUT = 600.0


def scan_folder(path: str) -> Flow[list[FoundModel]]:
    """Look for models in a folder of the server's machine."""
    request = get(
        "/api/v2/models/scan_folder", params={"scan_path": path}, timeout=SCAN_TIMEOUT
    )
    try:
        return (yield from call_model(list[FoundModel], request))
    except APIStatusError as error:
        if error.status_code != 400:
            raise
        raise ModelError(
            f"the server cannot scan {path!r}",
            hint="it must be a folder on the server's machine that it may read",
        ) from error


def get_huggingface_repository(name: str) -> Flow[HuggingFaceRepository]:
    """What a HuggingFace repository offers."""
    request = get("/api/v2/models/hugging_face", params={"hugging_face_repo": name})
    try:
        return (yield from call_model(HuggingFaceRepository, request))
    except InternalServerError as error:
        raise ModelError(
            f"the server failed to look up {name!r}", hint=NO_INTERNET
        ) from error
    except APIStatusError as error:
        if error.status_code != 400:
            raise
        raise ModelError(
            f"there is no HuggingFace repository {name!r}",
            hint="a gated one needs a token: set_huggingface_token",
        ) from error


def get_cover(model: ModelLike) -> Flow[bytes]:
    """A model's cover image, a WebP file."""
    key = yield from key_flow(model)
    try:
        return (yield from read_whole(get(route(COVER, key))))
    except (InternalServerError, NotFoundError) as error:
        # The server fails over a file that is not there. The record shows whether
        # the model is.
        if isinstance(error, InternalServerError) and (
            (yield from get_model(key)).cover_image is not None
        ):
            raise
        message = f"model {key} has no cover image"
        raise restated(error, NotFoundError, message, status_code=404) from error


def set_cover(model: ModelLike, source: ImageSource) -> Flow[None]:
    """Send an image as a model's cover; the server makes a small WebP of it."""
    key = yield from key_flow(model)
    upload = yield from open_source(source)
    try:
        # Not repeatable: an open file is read once.
        request = Request("PATCH", route(COVER, key), files=[upload.part("image")])
        reply = yield from send(request)
    finally:
        upload.close()
    try:
        decode(reply)
    except APIStatusError as error:
        # An image that opens but does not decode makes the server fail.
        if error.status_code != 415 and not isinstance(error, InternalServerError):
            raise
        raise ImageError(f"the server cannot read {upload.label}") from error


def delete_cover(model: ModelLike) -> Flow[None]:
    """Remove a model's cover image."""
    key = yield from key_flow(model)
    yield from request_json(delete(route(COVER, key), identity=True))
