"""Turning references into what goes on the wire: look up names, upload images.

An image is uploaded once per server: its name there is remembered by the hash of its
content, and asked for again before it is used, since it may have been deleted; what is
prepared together asks once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Optional, Union

from invokeai_py_client._arguments import Naming
from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow, pause, run_blocking
from invokeai_py_client._core.send import get, request_json
from invokeai_py_client._snapshot import Snapshot
from invokeai_py_client.exceptions import (
    APIError,
    FieldProblem,
    InvokeAIError,
    NotFoundError,
)
from invokeai_py_client.image import flows as image_flows
from invokeai_py_client.image.media import IMAGE, Media
from invokeai_py_client.image.media_flows import fetch
from invokeai_py_client.image.models import ImageBase
from invokeai_py_client.image.sources import png_of
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
from invokeai_py_client.video import flows as video_flows
from invokeai_py_client.video.files import VIDEO
from invokeai_py_client.video.models import VideoBase
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey
from invokeai_py_client.workflow.library.library_flows import list_records
from invokeai_py_client.workflow.lookup.known_server import KnownServer
from invokeai_py_client.workflow.lookup.list_cache import ListCache
from invokeai_py_client.workflow.lookup.server_facts_flows import has_record, is_here

_CHUNK = 1 << 20
CLAIM_PAUSE = 0.05


def resolve_values(
    values: Mapping[FieldKey, Any],
    server: KnownServer,
    runner: Any,
    lists: Optional[ListCache] = None,
) -> Flow[tuple[dict[FieldKey, Any], list[FieldProblem]]]:
    """The values with the server's answers in place of all references.

    Images that hold `runner`, which runs this flow, are on this server.

    Returns:
        The values, and names that the server does not know or images that cannot be
        read: these values are left out.
    """
    resolver = _ReferenceResolver(server, runner, lists or ListCache())
    resolved: dict[FieldKey, Any] = {}
    problems: list[FieldProblem] = []
    for key, value in values.items():
        references = list(find_references(value))
        if not references:
            resolved[key] = value
            continue
        try:
            answers = yield from resolver.answer(references)
        except APIError:
            raise
        except (InvokeAIError, OSError) as error:
            problem = FieldProblem(str(error), "unresolved", *key, value=value)
            problems.append(problem)
        else:
            resolved[key] = replace_references(value, answers)
    return resolved, problems


class _Named(Snapshot):
    id: str
    name: str


class _ReferenceResolver:
    """Answers references; asks the server for each list only once."""

    def __init__(self, server: KnownServer, runner: Any, lists: ListCache) -> None:
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
        """The identifier of the model that a string means."""
        models = yield from self._lists.models()
        fitting = [model for model in models if reference.has_detail_of(model)]
        allowed = restriction(
            reference.base or None, reference.type or None, reference.format or None
        )
        found = pick_model(fitting, reference.text, allowed)
        if found is None:
            raise unknown_model(fitting, reference.text, allowed)
        return dict(found.identifier())

    def board(self, reference: BoardReference) -> Flow[str]:
        """The id of the board that a string means."""
        return (yield from self._lists.board_id(reference.text))

    def image(self, reference: ImageReference) -> Flow[str]:
        """The name of an image on this server, which may have to go there first."""
        return (yield from self._name_here(reference.source, IMAGE, _upload_image))

    def video(self, reference: VideoReference) -> Flow[str]:
        """The name of a video on this server, which may have to go there first."""
        return (yield from self._name_here(reference.source, VIDEO, _upload_video))

    def _name_here(
        self, source: Any, media: Media[Any], upload: Callable[[Any], Flow[str]]
    ) -> Flow[str]:
        if isinstance(source, (ImageBase, VideoBase)):
            name = str(source)
            # Names are random and unique: what has this name here is this file.
            if is_here(source, self._runner) or (yield from has_record(media, name)):
                return name
            try:
                source = yield from fetch(source)
            except NotFoundError as error:
                raise media.error(
                    f"{media.noun} {name} was deleted on the server it was on"
                ) from error
        return (yield from self._uploaded(source, media, upload))

    def _uploaded(
        self, source: Any, media: Media[Any], upload: Callable[[Any], Flow[str]]
    ) -> Flow[str]:
        if not isinstance(source, (Path, bytes)):
            source = yield from run_blocking(partial(png_of, source))
        digest = media.noun + (yield from run_blocking(partial(_digest, source)))
        claims, mine = self._server.uploading, object()
        # Somebody else of this client may be uploading the same image right now.
        while claims.setdefault(digest, mine) is not mine:
            yield from pause(CLAIM_PAUSE)
        try:
            name = self._server.uploads.get(digest)
            if name is None or not (
                digest in self._lists.seen or (yield from has_record(media, name))
            ):
                name = yield from upload(source)
                self._server.uploads[digest] = name
            self._lists.note_seen(digest)
            return name
        finally:
            del claims[digest]

    def style_preset(self, reference: StylePresetReference) -> Flow[str]:
        """The id of the preset of that name."""
        path = "/api/v1/style_presets/"
        return (yield from _by_name(path, reference.text, "style preset"))

    def system_prompt(self, reference: SystemPromptReference) -> Flow[str]:
        """The id of the system prompt of that name."""
        path = "/api/v1/system_prompts/"
        return (yield from _by_name(path, reference.text, "system prompt"))

    def workflow(self, reference: WorkflowReference) -> Flow[str]:
        """The id of the library's workflow of that name."""
        records = yield from list_records({"query": reference.text})
        names = Naming("saved workflow", "workflow_id")
        return names.get(records, reference.text).workflow_id


_FINDERS: Mapping[type[Reference], Callable[[_ReferenceResolver, Any], Flow[Any]]] = {
    ModelReference: _ReferenceResolver.model,
    BoardReference: _ReferenceResolver.board,
    ImageReference: _ReferenceResolver.image,
    VideoReference: _ReferenceResolver.video,
    StylePresetReference: _ReferenceResolver.style_preset,
    SystemPromptReference: _ReferenceResolver.system_prompt,
    WorkflowReference: _ReferenceResolver.workflow,
}


def _upload_image(source: Any) -> Flow[str]:
    image = yield from image_flows.upload_image(ImageBase.bound_to(None), source)
    return image.image_name


def _upload_video(source: Any) -> Flow[str]:
    video = yield from video_flows.upload_video(VideoBase.bound_to(None), source)
    return video.video_name


def _digest(source: Union[Path, bytes]) -> str:
    """A hash of the file."""
    digest = hashlib.sha256()
    if isinstance(source, Path):
        with source.open("rb") as file:
            for part in iter(lambda: file.read(_CHUNK), b""):
                digest.update(part)
    else:
        digest.update(source)
    return digest.hexdigest()


def _by_name(path: str, name: str, noun: str) -> Flow[str]:
    """The id of the one thing of this name, exactly or else without regard to case."""
    records = parse(list[_Named], (yield from request_json(get(path))))
    return Naming(noun, "id").get(records, name).id
