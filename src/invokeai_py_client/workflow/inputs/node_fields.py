"""Every field of every node, typed: made when first used, changed in place.

The form shows some of a workflow's fields; the rest is reachable by node and field.
`NodeFields` holds one typed field for each that was used, and knows which differ from
the file. A copy takes the changed ones only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Optional

from invokeai_py_client._suggestions import LIMIT, near_names
from invokeai_py_client.exceptions import FieldProblem, InputNotFoundError
from invokeai_py_client.exceptions.workflow import shown
from invokeai_py_client.ivk_fields.base import IvkField
from invokeai_py_client.ivk_fields.model import old_identifier, restrictions_of
from invokeai_py_client.ivk_fields.registry import field_registry
from invokeai_py_client.nodes.template import UNSET, InputTemplate
from invokeai_py_client.workflow.compiling.seeds import can_set_seed, feeding_edge
from invokeai_py_client.workflow.editor.loaded_workflow import (
    FieldKey,
    LoadedNode,
    LoadedWorkflow,
)
from invokeai_py_client.workflow.inputs.naming import slug


class NodeFields:
    """The typed fields of a workflow, by (node, field)."""

    def __init__(self, loaded: LoadedWorkflow) -> None:
        self._loaded = loaded
        self._fields: dict[FieldKey, IvkField[Any]] = {}
        self._old_models: Optional[dict[FieldKey, Any]] = None

    def copy(self) -> NodeFields:
        """The same values in fields of their own."""
        other = NodeFields(self._loaded)
        other._old_models = self._old_models
        other._fields = {
            key: field.clone()
            for key, field in self._fields.items()
            if field.is_changed
        }
        return other

    def field(self, key: FieldKey) -> IvkField[Any]:
        """The field at (node id, field name), which the workflow must have."""
        found = self._fields.get(key)
        if found is None:
            found = self._fields[key] = _build_field(self._loaded, key)
        return found

    def edits(self) -> dict[FieldKey, Any]:
        """Values unlike the file's, in wire form; `UNSET` for removed ones."""
        return {
            key: wire_value(field)
            for key, field in self._fields.items()
            if field.is_changed
        }

    def old_models(self) -> dict[FieldKey, Any]:
        """Models that the file names as InvokeAI 3 did, as references to look up.

        They have no key: only a server can say which model is meant.
        """
        if self._old_models is None:
            self._old_models = dict(_old_models(self._loaded))
        return {
            key: reference
            for key, reference in self._old_models.items()
            if key not in self._fields or not self._fields[key].is_changed
        }


def _old_models(loaded: LoadedWorkflow) -> Iterator[tuple[FieldKey, Any]]:
    for node in loaded.nodes.values():
        for name, stored in node.inputs.items():
            template = node.template_of(name)
            reference = old_identifier(stored.value, restrictions_of(template))
            if reference is None or template is None:
                continue
            is_model = template.type.name == "ModelIdentifierField"
            if is_model and setting_problem(loaded, (node.id, name)) is None:
                yield (node.id, name), reference


def wire_value(field: IvkField[Any]) -> Any:
    """What the field sends; `UNSET` when it sends nothing.

    Raises:
        FieldValidationError: `to_api_format` of a class of the user's own returned
            something else than a dict with ``"value"``.
    """
    sent: Any = field.to_api_format()
    if not isinstance(sent, Mapping) or (field.is_set and "value" not in sent):
        kind = type(field).__name__
        what = (
            f'{kind}.to_api_format() must return a dict with "value", such as '
            f'{{"type": …, "value": …}}, but returned {shown(sent)}'
        )
        raise field.refusal([FieldProblem(what, "to_api_format")], field.value)
    value = sent.get("value", UNSET)
    return UNSET if value is None else value


def field_info(
    node: LoadedNode, field_name: str, template: Optional[InputTemplate]
) -> dict[str, Any]:
    """What the field registry decides by, see `ivk_fields.registry`."""
    stored = node.inputs.get(field_name)
    info: dict[str, Any] = {
        "type": template.type.name if template else "",
        "name": field_name,
        "node_id": node.id,
        "label": stored.label if stored else "",
        "node_type": node.type,
        "cardinality": template.type.cardinality if template else "SINGLE",
        "required": template.required if template else False,
        "template": template,
    }
    if stored is not None and stored.value is not UNSET:
        info["value"] = stored.value
    return info


def _build_field(loaded: LoadedWorkflow, key: FieldKey) -> IvkField[Any]:
    node = loaded.nodes[key[0]]
    template = node.template_of(key[1])
    field = field_registry.build(field_info(node, key[1], template))
    field.bind(node_label=node.title)
    problem = setting_problem(loaded, key)
    if problem is not None:
        field.lock(problem)
    return field


def find_node(loaded: LoadedWorkflow, key: str) -> LoadedNode:
    """The node with this id, or else the only one with this label or type.

    Raises:
        InputNotFoundError: No node has that id, label or type, or several do.
    """
    if key in loaded.nodes:
        return loaded.nodes[key]
    nodes = list(loaded.nodes.values())
    for matches in (
        [node for node in nodes if node.label == key],
        [node for node in nodes if node.type == key],
        [node for node in nodes if slug(node.title) == slug(key) != ""],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            listing = ", ".join(_node_words(node) for node in matches)
            raise InputNotFoundError(
                f"{key!r} could be any of {len(matches)} nodes: {listing}",
                key=key,
                candidates=[node.id for node in matches],
            )
    raise _no_node(nodes, key)


def hidden_fields(loaded: LoadedWorkflow, name: str) -> list[str]:
    """How to set the fields of this name that the form does not show."""
    types = Counter(node.type for node in loaded.nodes.values())
    wanted = slug(name)
    found = []
    for node in loaded.nodes.values() if wanted else ():
        inputs = node.template.inputs if node.template else {}
        for field_name, template in {**inputs, **node.dynamic_inputs}.items():
            is_meant = wanted in (slug(field_name), slug(template.title))
            if is_meant and setting_problem(loaded, (node.id, field_name)) is None:
                place = node.type if types[node.type] == 1 else node.id
                found.append(f'set_node_value("{place}", "{field_name}", …)')
    return found


def _node_words(node: LoadedNode) -> str:
    return f"{node.id} ({node.title}, {node.type})"


def _no_node(nodes: Iterable[LoadedNode], key: str) -> InputNotFoundError:
    words: dict[str, str] = {}
    for node in nodes:
        for word in (node.id, node.label, node.type, node.title):
            words.setdefault(word, node.id)
    near = near_names(key, words)
    by_id = {node.id: node for node in nodes}
    best = near or near_names(key, words, cutoff=0.0) or list(by_id)[:LIMIT]
    shown = [_node_words(by_id[item]) for item in best]
    lead = "did you mean" if near else f"the nearest of its {len(by_id)} nodes:"
    return InputNotFoundError(
        f"there is no node {key!r}; {lead} {', '.join(shown) or 'none'}",
        key=key,
        candidates=near or list(by_id),
    )


def find_node_field(loaded: LoadedWorkflow, node_key: str, field_name: str) -> FieldKey:
    """(node id, field name) of a field that the node has.

    Raises:
        InputNotFoundError: There is no such node or field.
    """
    node = find_node(loaded, node_key)
    own = node.template.inputs if node.template else ()
    names = list(dict.fromkeys((*own, *node.dynamic_inputs, *node.inputs)))
    if field_name in names:
        return node.id, field_name
    tails = [name for name in names if name.rsplit("::", 1)[-1] == field_name]
    if len(tails) == 1:
        return node.id, tails[0]
    near = near_names(field_name, list(names))
    best = near or near_names(field_name, names, cutoff=0.0) or names[:LIMIT]
    raise InputNotFoundError(
        f"node {_node_words(node)} has no field {field_name!r}; "
        f"the nearest it has: {', '.join(best) or 'none'}",
        key=(node_key, field_name),
        candidates=near or names,
    )


def _takes_value(node: LoadedNode, name: str, template: InputTemplate) -> bool:
    """Whether a type without a widget of the GUI has a field that was registered."""
    info = field_info(node, name, template)
    return template.limits.takes_literal and field_registry.has_rule(info)


def setting_problem(loaded: LoadedWorkflow, key: FieldKey) -> Optional[FieldProblem]:
    """Why no value can be set here; None when one can."""
    node = loaded.nodes[key[0]]
    template = node.template_of(key[1])
    if template is None:
        unknown = f"field {key[1]!r}" if node.template else f"node type {node.type!r}"
        what = f"can only be read: the server does not know {unknown}"
        return FieldProblem(what, "read_only", *key, node_label=node.title)
    edge = feeding_edge(loaded, key)
    if edge is not None and edge.source in loaded.nodes:
        feeder = loaded.nodes[edge.source]
        way = "set that node instead"
        if can_set_seed(loaded, key):
            way = "use seed= of run or submit, or handle.seeds.set(number)"
        what = (
            f"cannot be set: an edge feeds it from "
            f"{feeder.title}.{edge.source_handle} ({feeder.id}); {way}"
        )
        return FieldProblem(what, "connected", *key, node_label=node.title)
    if template.input == "connection" and not _takes_value(node, key[1], template):
        what = "cannot be set: it only takes an edge"
        return FieldProblem(what, "connection_only", *key, node_label=node.title)
    return None
