"""Turning references into what goes on the wire: look up names, upload pictures.

A picture is uploaded once per server: its name there is remembered by the hash of its
content, and asked for again before it is used, since it may have been deleted.
"""

from __future__ import annotations

import hashlib
import inspect
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Optional, Union

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow, local, notify, pause
from invokeai_py_client._core.send import call, get
from invokeai_py_client.exceptions import (
    APIError,
    FieldProblem,
    FieldValidationError,
    InvokeAIError,
)
from invokeai_py_client.image import flows as image_flows
from invokeai_py_client.image.media import IMAGE, Media
from invokeai_py_client.image.models import ImageBase
from invokeai_py_client.ivk_fields.references import (
    BoardReference,
    ImageReference,
    ModelReference,
    Reference,
    StylePresetReference,
    SystemPromptReference,
    VideoReference,
    WorkflowReference,
    find_references,
    replace_references,
)
from invokeai_py_client.model.lookup import pick_model, restriction, unknown_model
from invokeai_py_client.model.models import ModelRecord
from invokeai_py_client.video import flows as video_flows
from invokeai_py_client.video.files import VIDEO
from invokeai_py_client.video.models import VideoBase
from invokeai_py_client.workflow.facts_flows import has_record
from invokeai_py_client.workflow.known_server import KnownServer
from invokeai_py_client.workflow.library_flows import list_records
from invokeai_py_client.workflow.loaded import FieldKey
from invokeai_py_client.workflow.server_lists import ServerLists

__all__ = ["resolve_values"]

_CHUNK = 1 << 20
CLAIM_PAUSE = 0.05


def resolve_values(
    values: Mapping[FieldKey, Any],
    server: KnownServer,
    runner: Any,
    lists: Optional[ServerLists] = None,
) -> Flow[dict[FieldKey, Any]]:
    """The values with the server's answers in place of all references.

    Args:
        values: Values by (node, field).
        server: The server, whose uploads are remembered.
        runner: What runs this flow: images that hold it are of this server.
        lists: The server's lists, where the same call asks for more.

    Raises:
        FieldValidationError: Names that the server does not know, pictures that
            cannot be read; lists all of them.
    """
    clerk = _Clerk(server, runner, lists or ServerLists())
    resolved: dict[FieldKey, Any] = {}
    problems: list[FieldProblem] = []
    for key, value in values.items():
        references = list(find_references(value))
        if not references:
            resolved[key] = value
            continue
        try:
            answers = yield from clerk.answer(references)
        except APIError:
            raise
        except (InvokeAIError, OSError) as error:
            problems.append(_problem(key, value, error))
        else:
            resolved[key] = replace_references(value, answers)
    if problems:
        raise FieldValidationError(problems)
    return resolved


class _Clerk:
    """Answers references; asks the server for each list only once."""

    def __init__(self, server: KnownServer, runner: Any, lists: ServerLists) -> None:
        self._server = server
        self._runner = runner
        self._lists = lists
        self._answers: dict[Reference, Any] = {}

    def answer(self, references: Iterable[Reference]) -> Flow[dict[Reference, Any]]:
        """The server's answer to each reference."""
        for reference in references:
            if reference not in self._answers:
                find = _FINDERS[type(reference)]
                self._answers[reference] = yield from find(self, reference)
        return self._answers

    def model(self, reference: ModelReference) -> Flow[dict[str, Any]]:
        """The identifier of the model that a text means."""
        models = yield from self._lists.models()
        fitting = [model for model in models if _has_detail(model, reference)]
        allowed = restriction(
            reference.base or None, reference.type or None, reference.format or None
        )
        found = pick_model(fitting, reference.text, allowed)
        if found is None:
            raise unknown_model(fitting, reference.text, allowed)
        return dict(found.identifier())

    def board(self, reference: BoardReference) -> Flow[str]:
        """The id of the board that a text means."""
        return (yield from self._lists.board_id(reference.text))

    def image(self, reference: ImageReference) -> Flow[str]:
        """The name of a picture on this server, which may have to go there first."""
        return (yield from self._name_here(reference.source, IMAGE, _upload_image))

    def video(self, reference: VideoReference) -> Flow[str]:
        """The name of a video on this server, which may have to go there first."""
        return (yield from self._name_here(reference.source, VIDEO, _upload_video))

    def _name_here(
        self, source: Any, media: Media, upload: Callable[[Any], Flow[str]]
    ) -> Flow[str]:
        if isinstance(source, (ImageBase, VideoBase)):
            name = str(source)
            here = source._bound_runner is self._runner or source._bound_runner is None
            # Names are random and unique: what has this name here is this file.
            if here or (yield from has_record(media, name)):
                return name
            source = yield from _content_of(source)
        return (yield from self._uploaded(source, media, upload))

    def _uploaded(
        self, source: Any, media: Media, upload: Callable[[Any], Flow[str]]
    ) -> Flow[str]:
        digest = media.noun + (yield from local(lambda: _digest(source)))
        claims, mine = self._server.uploading, object()
        # Somebody else of this client may be uploading the same picture right now.
        while claims.setdefault(digest, mine) is not mine:
            yield from pause(CLAIM_PAUSE)
        try:
            known = self._server.uploads.get(digest)
            if known is not None and (yield from has_record(media, known)):
                return known
            name = yield from upload(source)
            self._server.uploads[digest] = name
            return name
        finally:
            del claims[digest]

    def style_preset(self, reference: StylePresetReference) -> Flow[str]:
        """The id of the preset of that name."""
        return (yield from _by_name("/api/v1/style_presets/", reference.text, "preset"))

    def system_prompt(self, reference: SystemPromptReference) -> Flow[str]:
        """The id of the system prompt of that name."""
        return (
            yield from _by_name(
                "/api/v1/system_prompts/", reference.text, "system prompt"
            )
        )

    def workflow(self, reference: WorkflowReference) -> Flow[str]:
        """The id of the library's workflow of that name."""
        records = yield from list_records(query=reference.text)
        found = [(record.name, record.workflow_id) for record in records]
        return _only(found, reference.text, "saved workflow")


_FINDERS: Mapping[type[Reference], Callable[[_Clerk, Any], Flow[Any]]] = {
    ModelReference: _Clerk.model,
    BoardReference: _Clerk.board,
    ImageReference: _Clerk.image,
    VideoReference: _Clerk.video,
    StylePresetReference: _Clerk.style_preset,
    SystemPromptReference: _Clerk.system_prompt,
    WorkflowReference: _Clerk.workflow,
}


def _has_detail(model: ModelRecord, reference: ModelReference) -> bool:
    variant = getattr(model, "variant", None)
    provider = (model.model_extra or {}).get("provider_id")
    return (not reference.variant or variant in reference.variant) and (
        not reference.provider_id or provider in reference.provider_id
    )


def _content_of(image: Union[ImageBase, VideoBase]) -> Flow[bytes]:
    """The file on another server, whichever colour its client has."""
    fetch = image.bytes  # type: ignore[union-attr]
    if not inspect.iscoroutinefunction(fetch):
        content: bytes = yield from local(fetch)
        return content
    box: list[bytes] = []

    async def fetch_there() -> None:
        box.append(await fetch())

    yield from notify(fetch_there)
    return box[0]


def _upload_image(source: Any) -> Flow[str]:
    image = yield from image_flows.upload_image(ImageBase.bound_to(None), source)
    return image.image_name


def _upload_video(source: Any) -> Flow[str]:
    video = yield from video_flows.upload_video(VideoBase.bound_to(None), source)
    return video.video_name


def _digest(source: Any) -> str:
    """A hash of the picture; of its pixels where it is a picture in memory."""
    digest = hashlib.sha256()
    if isinstance(source, Path):
        with source.open("rb") as file:
            for part in iter(lambda: file.read(_CHUNK), b""):
                digest.update(part)
    elif isinstance(source, (bytes, bytearray, memoryview)):
        digest.update(source)
    else:
        buffer = io.BytesIO()
        source.save(buffer, format="PNG", compress_level=1)
        digest.update(buffer.getbuffer())
    return digest.hexdigest()


def _by_name(path: str, name: str, what: str) -> Flow[str]:
    records = parse(list[dict[str, Any]], (yield from call(get(path))))
    found = [(str(item.get("name")), str(item.get("id"))) for item in records]
    return _only(found, name, what)


def _only(found: list[tuple[str, str]], name: str, what: str) -> str:
    """The id of the one thing of this name, exactly or else without regard to case."""
    for same in (str.__eq__, lambda left, right: left.casefold() == right.casefold()):
        ids = [thing_id for thing, thing_id in found if same(thing, name)]
        if len(ids) == 1:
            return ids[0]
        if ids:
            raise FieldValidationError(
                [FieldProblem(f"{len(ids)} {what}s are called {name!r}", "ambiguous")]
            )
    known = ", ".join(sorted(thing for thing, _ in found)) or "none"
    raise FieldValidationError(
        [FieldProblem(f"no {what} is called {name!r}; there are: {known}", "unknown")]
    )


def _problem(key: FieldKey, value: Any, error: Exception) -> FieldProblem:
    return FieldProblem(f"{key[0]}.{key[1]}: {error}", "unresolved", *key, value=value)
