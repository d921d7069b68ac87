"""Values that name something the server does not have are unset on load.

Images, videos, boards and models are asked for; LoRA lists, style presets, system
prompts and generators are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Optional

from invokeai_py_client.nodes.template import UNSET, InputTemplate
from invokeai_py_client.workflow.editor.loaded_workflow import LoadedInput
from invokeai_py_client.workflow.editor.server_facts import (
    ExistsQuery,
    ServerFacts,
    ThingKind,
)
from invokeai_py_client.workflow.editor.workflow_draft import DraftNode, WorkflowDraft

MODEL_TYPES = frozenset(
    {
        "CLIPField", "ControlLoRAField", "ModelIdentifierField", "T5EncoderField",
        "TransformerField", "UNetField", "VAEField",
    }
)  # fmt: skip
"""Types whose value the GUI takes for a model wherever it looks like one."""
_ID_KEYS: dict[str, tuple[ThingKind, str]] = {
    "ImageField": ("images", "image_name"),
    "VideoField": ("videos", "video_name"),
    "BoardField": ("boards", "board_id"),
}
THING_WORDS: dict[ThingKind, str] = {
    "images": "image",
    "videos": "video",
    "boards": "board",
    "models": "model",
}
VALUE_WARNINGS = frozenset(
    {"raw_value", *(f"missing_{word}" for word in THING_WORDS.values())}
)
"""Kinds of warnings about a value of the file, void once it is replaced."""


def named_things(
    value: Any, template: Optional[InputTemplate]
) -> Iterator[ExistsQuery]:
    """What a value names, as far as the GUI asks whether it exists."""
    kind_and_key = _kind_and_key(template)
    if kind_and_key is None:
        return
    kind, key = kind_and_key
    items = value if kind == "images" and isinstance(value, list) else [value]
    for item in items:
        thing = item.get(key) if isinstance(item, dict) else None
        if isinstance(thing, str) and (kind != "models" or "hash" in item):
            yield ExistsQuery(kind, thing)


def _kind_and_key(
    template: Optional[InputTemplate],
) -> Optional[tuple[ThingKind, str]]:
    if template is None:
        return None
    if template.type.name in MODEL_TYPES:
        return "models", "key"
    return _ID_KEYS.get(template.type.name)


def unset_missing(draft: WorkflowDraft, node: DraftNode, facts: ServerFacts) -> None:
    """Unset a node's values that name what does not exist, with a warning each."""
    for key, item in node.inputs.items():
        template = node.template_of(item.declared_name)
        for query in named_things(item.value, template):
            if not facts.exists(query.kind, query.id):
                word = THING_WORDS[query.kind]
                value: Any = item.value
                name = value.get("name") if query.kind == "models" else query.id
                node.inputs[key] = _without(node.inputs[key], query.id)
                draft.warn(
                    f"the file names the {word} {name!r}, which this server does not "
                    "have; left without it",
                    f"missing_{word}",
                    node.id,
                    item.declared_name,
                )


def _without(item: LoadedInput, image_name: str) -> LoadedInput:
    if not isinstance(item.value, list):
        return replace(item, value=UNSET)
    # A list that was kept raw may hold anything.
    images = [
        image
        for image in item.value
        if not isinstance(image, dict) or image.get("image_name") != image_name
    ]
    return replace(item, value=images)
