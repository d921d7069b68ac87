"""Where models come from, and what the server keeps of them besides records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from invokeai_py_client._core.decode import decode, decode_download
from invokeai_py_client._core.flow import Flow, local
from invokeai_py_client._core.messages import FilePart, Request
from invokeai_py_client._core.send import (
    call,
    call_model,
    delete,
    get,
    post,
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
from invokeai_py_client.image.files import ImageSource, open_upload
from invokeai_py_client.model.flows import MODEL, get_model
from invokeai_py_client.model.install_flows import NO_INTERNET
from invokeai_py_client.model.models import (
    DeletedOrphans,
    FoundModel,
    HuggingFaceRepository,
    HuggingFaceToken,
    ModelCacheStats,
    OrphanedModel,
    StarterModels,
)

COVER = MODEL + "/image"
HF_LOGIN = "/api/v2/models/hf_login"
ORPHANED = "/api/v2/models/sync/orphaned"

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


def list_starter_models() -> Flow[StarterModels]:
    """The models the server knows where to get."""
    return (yield from call_model(StarterModels, get("/api/v2/models/starter_models")))


def get_cover(key: str) -> Flow[bytes]:
    """A model's cover image, a WebP file."""
    reply = yield from send(get(route(COVER, key)))
    try:
        decode_download(reply)
    except InternalServerError as error:
        # The server fails over a file that is not there. The record tells whether
        # the model is.
        if (yield from get_model(key)).cover_image is not None:
            raise
        raise _no_cover(key, error) from error
    except NotFoundError as error:
        raise _no_cover(key, error) from error
    return reply.content


def _no_cover(key: str, error: APIStatusError) -> NotFoundError:
    return NotFoundError(
        f"model {key} has no cover image",
        status_code=404,
        detail=error.detail,
        method=error.method,
        url=error.url,
    )


def set_cover(key: str, source: ImageSource) -> Flow[None]:
    """Send a picture as a model's cover; the server makes a small WebP of it."""
    upload = yield from local(lambda: open_upload(source))
    try:
        part = FilePart("image", upload.filename, upload.content, upload.content_type)
        # Not repeatable: an open file is read once.
        request = Request("PATCH", route(COVER, key), files=[part])
        reply = yield from send(request)
    finally:
        upload.close()
    try:
        decode(reply)
    except APIStatusError as error:
        # A picture that opens but does not decode makes the server fail.
        if error.status_code != 415 and not isinstance(error, InternalServerError):
            raise
        raise ImageError(f"the server cannot read {upload.label}") from error


def delete_cover(key: str) -> Flow[None]:
    """Remove a model's cover image."""
    yield from call(delete(route(COVER, key), identity=True))


def get_cache_stats() -> Flow[Optional[ModelCacheStats]]:
    """The cache of loaded models; None as long as none was loaded."""
    request = get("/api/v2/models/stats")
    return (yield from call_model(Optional[ModelCacheStats], request))  # type: ignore[arg-type]


def empty_cache() -> Flow[None]:
    """Throw every model out of memory that is not in use."""
    yield from call(post("/api/v2/models/empty_model_cache"))


def get_huggingface_token() -> Flow[HuggingFaceToken]:
    """What the server knows of its token."""
    return (yield from call_model(HuggingFaceToken, get(HF_LOGIN)))


def set_huggingface_token(token: str) -> Flow[HuggingFaceToken]:
    """Give the server a token for gated repositories."""
    return (
        yield from call_model(HuggingFaceToken, post(HF_LOGIN, json={"token": token}))
    )


def delete_huggingface_token() -> Flow[HuggingFaceToken]:
    """Let the server forget its token."""
    return (yield from call_model(HuggingFaceToken, delete(HF_LOGIN)))


def list_orphans() -> Flow[list[OrphanedModel]]:
    """Folders of model files that no installed model uses."""
    return (yield from call_model(list[OrphanedModel], get(ORPHANED)))


def delete_orphans(paths: Sequence[str]) -> Flow[DeletedOrphans]:
    """Delete such folders."""
    request = delete(ORPHANED, json={"paths": list(paths)})
    return (yield from call_model(DeletedOrphans, request))
