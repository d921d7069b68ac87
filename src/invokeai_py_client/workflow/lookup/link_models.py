"""The models of another server, found on this one.

A model has another key on every server. A file that comes from elsewhere, or a record
that a client of another server returned, is linked to the model of the same hash, else
to the only one of the same name and base that its field takes, with a warning. What
cannot be linked is a problem; an optional field of the file is left without a value, as
in the GUI, with a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from invokeai_py_client._core.flow import Flow
from invokeai_py_client.board.models import Board
from invokeai_py_client.exceptions import BoardError, FieldProblem, ModelError
from invokeai_py_client.image.models import BOARDS
from invokeai_py_client.ivk_fields.model import (
    lora_restrictions_of,
    old_identifier,
    restrictions_of,
)
from invokeai_py_client.ivk_fields.references import ModelReference
from invokeai_py_client.ivk_fields.server_rules import MODEL_KEYS
from invokeai_py_client.model.lookup import (
    Restriction,
    pick_model,
    restriction,
    unknown_model,
)
from invokeai_py_client.model.models import ModelRecord
from invokeai_py_client.nodes.template import UNSET, InputTemplate
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey, LoadedWorkflow
from invokeai_py_client.workflow.inputs.naming import slug
from invokeai_py_client.workflow.loading.missing_values import MODEL_TYPES
from invokeai_py_client.workflow.lookup.list_cache import ListCache

_ADDRESS = re.compile(r"https?://[^\s<>\"')\]]+")


@dataclass(frozen=True)
class Links:
    """What came of the models that values name.

    Attributes:
        edits: Values with the models of this server, and `UNSET` for optional ones
            that it does not have.
        notes: What was linked or left out, each at its field.
        problems: Models that the server does not have.
    """

    edits: dict[FieldKey, Any] = field(default_factory=dict)
    notes: list[FieldProblem] = field(default_factory=list)
    problems: list[FieldProblem] = field(default_factory=list)


def link_models(
    loaded: LoadedWorkflow, given: Mapping[FieldKey, Any], lists: ListCache
) -> Flow[Links]:
    """Find this server's models in place of another's.

    Args:
        loaded: The workflow with the file's own values.
        given: The values that were set in their place, which come first.
        lists: What the server has.
    """
    links = Links()
    places = list(_places(loaded, given))
    with_models = [place for place in places if any(_identifiers(place.value))]
    models = (yield from lists.models()) if with_models else []
    for place in with_models:
        _link(place, models, loaded, links)
    with_boards = [place for place in places if _board_name(place.value)]
    boards = (yield from lists.boards()) if with_boards else []
    for place in with_boards:
        _link_board(place, boards, links)
    return links


@dataclass(frozen=True)
class _Place:
    """A value that may name models, and whether it may be left out."""

    key: FieldKey
    value: Any
    template: InputTemplate
    is_given: bool
    may_be_unset: bool

    @property
    def is_list(self) -> bool:
        return self.template.type.name == "LoRAField"


def _places(loaded: LoadedWorkflow, given: Mapping[FieldKey, Any]) -> Iterator[_Place]:
    stored = (
        ((node.id, name), item.value)
        for node in loaded.nodes.values()
        for name, item in node.inputs.items()
    )
    for key, value in {**dict(stored), **given}.items():
        node = loaded.nodes.get(key[0])
        template = node.template_of(key[1]) if node else None
        if template is not None and key not in loaded.edges_into:
            is_given = key in given
            may_be_unset = not is_given and not template.required
            yield _Place(key, value, template, is_given, may_be_unset)


def _identifiers(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        if _is_identifier(value):
            yield value
        else:
            for item in value.values():
                yield from _identifiers(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _identifiers(item)


def _is_identifier(value: Mapping[str, Any]) -> bool:
    is_new = all(isinstance(value.get(key), str) for key in MODEL_KEYS)
    return is_new or old_identifier(value) is not None


def _link(
    place: _Place, models: Sequence[ModelRecord], loaded: LoadedWorkflow, links: Links
) -> None:
    read = lora_restrictions_of if place.is_list else restrictions_of
    wanted = read(place.template)
    fitting = [model for model in models if wanted.has_detail_of(model)]
    found: dict[int, dict[str, Any]] = {}
    for identifier in _identifiers(place.value):
        if any(model.key == identifier.get("key") for model in models):
            continue
        data = _plain(identifier)
        allowed = _allowed(wanted, data)
        model, how = _find([m for m in fitting if allowed.fits(m)], data)
        if model is not None:
            found[id(identifier)] = {**_extras(identifier), **model.identifier()}
            text = f"{_words(data)} is linked by its {how} to {model.describe()}"
            links.notes.append(FieldProblem(text, "linked_model", *place.key))
        elif place.is_list or place.template.type.name in MODEL_TYPES:
            source = "was set to" if place.is_given else "the file names"
            text = f"{source} {_words(data)}: {_missing(fitting, data, allowed)}"
            address = None if place.is_given else _address(loaded, data["name"])
            if address:
                text += f"; the file says where to get it: {address}"
            if place.may_be_unset and not place.is_list:
                links.edits[place.key] = UNSET
                text += "; left without a model"
                links.notes.append(FieldProblem(text, "missing_model", *place.key))
            else:
                problem = FieldProblem(
                    text, "missing_model", *place.key, value=dict(identifier)
                )
                links.problems.append(problem)
    if found:
        links.edits[place.key] = _replaced(place.value, found)


def _allowed(wanted: ModelReference, data: Mapping[str, str]) -> Restriction:
    """The models that may be meant: of the field's type and of the file's base."""
    base = () if data["base"] in ("", "any") else (data["base"],)
    kind = (data["type"],) if data["type"] else ()
    return restriction(
        base or wanted.base or None, wanted.type or kind or None, wanted.format or None
    )


def _find(
    models: Sequence[ModelRecord], data: Mapping[str, str]
) -> tuple[Optional[ModelRecord], str]:
    """The model that is meant, and whether its hash or its name said so."""
    name = data["name"]
    # The same files may be installed several times.
    same = [model for model in models if data["hash"] and model.hash == data["hash"]]
    same.sort(key=lambda model: model.name != name)
    if same:
        return same[0], "hash"
    for named in (
        [model for model in models if model.name == name],
        [model for model in models if model.name.casefold() == name.casefold()],
    ):
        if named:
            return (named[0] if len(named) == 1 else None), "name"
    return None, ""


def _missing(
    models: Sequence[ModelRecord], data: Mapping[str, str], allowed: Restriction
) -> ModelError:
    try:
        pick_model(models, data["name"], allowed)
    except ModelError as several:
        return several
    return unknown_model(models, data["name"], allowed)


def _board_name(value: Any) -> Optional[str]:
    return value.get("board_name") if isinstance(value, Mapping) else None


def _link_board(place: _Place, boards: Sequence[Board], links: Links) -> None:
    if any(board.board_id == place.value["board_id"] for board in boards):
        return
    name = str(_board_name(place.value))
    try:
        board = BOARDS.get(boards, name)
    except BoardError as error:
        text = f"was set to a board of another server: {error}"
        links.problems.append(FieldProblem(text, "missing_board", *place.key))
    else:
        links.edits[place.key] = {"board_id": board.board_id}
        text = f"the board {name!r} is of another server; linked by its name"
        links.notes.append(FieldProblem(text, "linked_board", *place.key))


def _plain(identifier: Mapping[str, Any]) -> dict[str, str]:
    """An identifier of either form; ``""`` for what it does not say."""
    old = old_identifier(identifier)
    if old is None:
        return {key: identifier[key] for key in MODEL_KEYS}
    base, kind = "".join(old.base[:1]), "".join(old.type[:1])
    return {"key": "", "hash": "", "name": old.text, "base": base, "type": kind}


def _extras(identifier: Mapping[str, Any]) -> dict[str, Any]:
    return {key: identifier[key] for key in ("submodel_type",) if key in identifier}


def _words(data: Mapping[str, str]) -> str:
    kind = " ".join(filter(None, (data["base"], data["type"])))
    return f"the model {data['name']!r}" + (f" ({kind})" if kind else "")


def _replaced(value: Any, found: Mapping[int, dict[str, Any]]) -> Any:
    if id(value) in found:
        return found[id(value)]
    if isinstance(value, Mapping):
        return {key: _replaced(item, found) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replaced(item, found) for item in value]
    return value


def _address(loaded: LoadedWorkflow, name: str) -> Optional[str]:
    """An address in the file's texts, on a line that has the model's name.

    A string that has the name and only one address means that one.
    """
    wanted = slug(name)
    whole: Optional[str] = None
    for text in _texts(loaded.definition.document) if wanted else ():
        addresses = _ADDRESS.findall(text)
        for line in text.splitlines() if addresses and wanted in slug(text) else ():
            on_line = _ADDRESS.findall(line)
            if on_line and wanted in slug(line):
                return str(on_line[0]).rstrip(".,;")
        if len(addresses) == 1 and wanted in slug(text):
            whole = whole or addresses[0].rstrip(".,;")
    return whole


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
