"""Values that name something the server does not have are unset on load.

Images, videos, boards and models are asked for; LoRA lists, style presets, system
prompts and generators are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Optional

from invokeai_py_client.nodes.template import UNSET, InputTemplate
from invokeai_py_client.workflow.draft import Draft, DraftInput, DraftNode
from invokeai_py_client.workflow.facts import ExistsQuery, Facts, ThingKind

__all__ = ["THING_WORDS", "named_things", "unset_missing"]

# Types whose value the GUI takes for a model wherever it looks like one.
_MODEL_TYPES = frozenset(
    {
        "CLIPField",
        "ControlLoRAField",
        "ModelIdentifierField",
        "T5EncoderField",
        "TransformerField",
        "UNetField",
        "VAEField",
    }
)
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
    if template.type.name in _MODEL_TYPES:
        return "models", "key"
    return _ID_KEYS.get(template.type.name)


def unset_missing(draft: Draft, node: DraftNode, facts: Facts) -> None:
    """Unset a node's values that name what does not exist, with a warning each."""
    for item in node.inputs.values():
        template = node.template_of(item.name)
        for query in named_things(item.value, template):
            if not facts.exists(query.kind, query.id):
                _drop(item, query.id)
                draft.warn(
                    f"there is no {THING_WORDS[query.kind]} {query.id}; unset",
                    f"missing_{THING_WORDS[query.kind]}",
                    node.id,
                    item.name,
                )


def _drop(item: DraftInput, image_name: str) -> None:
    """Unset a value, or take one image off a list."""
    if isinstance(item.value, list):
        # A list that was kept raw may hold anything.
        item.value = [
            image
            for image in item.value
            if not isinstance(image, dict) or image.get("image_name") != image_name
        ]
    else:
        item.value = UNSET
