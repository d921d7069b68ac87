"""A sweep's folder, opened for a run: locked, with its ledger."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client._file_names import FileNameTemplate
from invokeai_py_client._file_names.format_value import as_text
from invokeai_py_client.exceptions import (
    FieldValidationError,
    SweepChangedError,
)
from invokeai_py_client.sweep.chunks.plan_request import PlanRequest
from invokeai_py_client.sweep.folder.manifest import write_manifests
from invokeai_py_client.sweep.folder.outputs import Outputs, open_outputs
from invokeai_py_client.sweep.folder.sweep_folder import (
    WORKFLOW,
    SweepFolder,
    check_is_planned,
)
from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.ledger.records import LedgerCounts
from invokeai_py_client.sweep.ledger.said_values import AS_IN_FILE, difference
from invokeai_py_client.sweep.planning.base_plan import BaseSweepPlan
from invokeai_py_client.sweep.planning.plain_values import canonical_json
from invokeai_py_client.sweep.running.output_names import check_fields, check_formats
from invokeai_py_client.sweep.running.stored_handle import plain_edits
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.inputs.workflow_input import Inputs


@dataclass
class OpenedSweep:
    """A sweep that this process alone runs now."""

    folder: SweepFolder
    ledger: Ledger
    outputs: Outputs

    def close(self) -> None:
        """Close the ledger, and let other processes have the folder."""
        try:
            self.ledger.close()
        finally:
            self.folder.close()

    def finish(self) -> LedgerCounts:
        """Write the tables of what is there; how far the sweep is."""
        counts = self.ledger.counts()
        outputs = self.ledger.meta.get("outputs", "")
        write_manifests(self.folder.path, self.ledger, outputs=outputs)
        self.folder.write_status(asdict(counts))
        return counts

    def definition(self) -> WorkflowDefinition:
        """The workflow as it was planned."""
        return WorkflowDefinition.from_json(self.folder.workflow(), source=WORKFLOW)


def begin(
    request: PlanRequest,
    path: Path,
    template: FileNameTemplate,
    url: str = "",
    storage_options: Optional[Mapping[str, Any]] = None,
) -> OpenedSweep:
    """Open a folder for a plan: a new one, or one that has begun with the same plan.

    Args:
        request: The plan.
        path: The folder.
        template: The template of the file names.
        url: Where outputs go; empty for the folder.
        storage_options: What the file system of `url` takes.

    Raises:
        ArgumentError: The template has a field that no item has, or a format that
            does not fit.
        FieldValidationError: Values would be refused; nothing was written.
        SweepChangedError: The folder has another sweep.
        SweepInUseError: Another process runs it.
        SweepError: The target of the outputs has something else, or cannot be written.
    """
    plan = BaseSweepPlan(request.parts())
    check_fields(template, [*request.handle.inputs, *plan.columns])
    if plan.problems:
        raise FieldValidationError(plan.problems)
    own_values = {item.name: item.field.value for item in request.handle.list_inputs()}
    for item in itertools.islice(plan, 1):
        check_formats(template, {**own_values, **item.values})
    folder = SweepFolder.open_or_create(path)
    try:
        outputs = open_outputs(folder.path, url, storage_options)
        meta = _meta(request, folder, plan)
        meta.update(name=template.text, outputs=url)
        ledger = _ledger(request, folder, meta, outputs)
    except BaseException:
        folder.close()
        raise
    return OpenedSweep(folder, ledger, outputs)


def reopen(
    path: Path, storage_options: Optional[Mapping[str, Any]] = None
) -> OpenedSweep:
    """Open a folder whose sweep has begun.

    Raises:
        SweepError: There is no sweep in it.
        SweepInUseError: Another process runs it.
    """
    folder = SweepFolder.open(path)
    try:
        ledger = folder.open_ledger()
        check_is_planned(ledger)
        url = ledger.meta.get("outputs", "")
        outputs = open_outputs(folder.path, url, storage_options)
        return OpenedSweep(folder, ledger, outputs)
    except BaseException:
        folder.close()
        raise


def _meta(
    request: PlanRequest, folder: SweepFolder, plan: BaseSweepPlan
) -> dict[str, str]:
    """What the ledger keeps of a plan, to tell it from others."""
    meta = {
        "workflow_digest": _digest(canonical_json(request.handle.definition.to_dict())),
        "edits": plain_edits(request.handle, folder.keep),
        "board": request.board.board or "",
    }
    if plan.root is not None:
        meta["root"] = str(plan.root)
    return meta


def _ledger(
    request: PlanRequest, folder: SweepFolder, meta: dict[str, str], outputs: Outputs
) -> Ledger:
    """The folder's ledger with all items of the plan."""
    content = request.handle.definition.to_json().encode()
    if folder.is_new:
        ledger = folder.create_ledger(content, meta)
    else:
        ledger = folder.open_ledger()
    try:
        if not (folder.is_new or ledger.has_batches):
            # Nothing was ever sent: what was planned may be the reason, or the target.
            ledger.begin_again(meta)
            folder.write(WORKFLOW, content)
        known = ledger.meta
        _refuse_another(known, meta, request.handle.inputs)
        outputs.claim(ledger.sweep_id, has_items=ledger.has_items)
        root = int(known["root"]) if "root" in known else None
        again = BaseSweepPlan(request.parts(root=root, keep=folder.keep))
        if ledger.add_items(again._planned_items()):
            words = _in_words(request, again, ledger.sweep_id, meta["outputs"])
            folder.write_plan(words)
    except BaseException:
        ledger.close()
        raise
    return ledger


def _in_words(
    request: PlanRequest, plan: BaseSweepPlan, sweep_id: str, outputs: str
) -> dict[str, object]:
    """What was planned, for people."""
    return {
        "sweep": sweep_id,
        "workflow": request.handle.definition.name,
        "items": len(plan),
        "columns": list(plan.columns),
        "runs": request.runs,
        "seed": request.seed,
        "drawn_from": plan.root,
        "board": request.board.board,
        "key": request.key,
        "outputs": outputs or None,
        "values": {
            item.name: _for_people(item.field.value)
            for item in request.handle.list_inputs()
        },
    }


def _for_people(value: Any) -> Any:
    is_plain = value is None or isinstance(value, (str, int, float))
    return value if is_plain else as_text(value)


def _refuse_another(
    known: dict[str, str], meta: dict[str, str], inputs: Inputs
) -> None:
    """Raise when the folder has a sweep of another workflow, or of other values."""
    differences = []
    if known.get("workflow_digest") != meta["workflow_digest"]:
        differences.append("the workflow is another one")
    edits = known.get("edits", "{}")
    differences += _edit_differences(edits, meta["edits"], inputs)
    for word in ("board", "name", "outputs"):
        if known.get(word, "") != meta[word]:
            there, here = known.get(word) or "none", meta[word] or "none"
            differences.append(f"{word} is {there} in the folder and {here} here")
    if ("root" in known) != ("root" in meta):
        drawn = "drawn in the folder and not here"
        if "root" in meta:
            drawn = "drawn here and not in the folder"
        differences.append(f"seeds are {drawn}")
    if differences:
        raise SweepChangedError(
            "the folder has another sweep: " + "; ".join(differences[:5]),
            differences=differences,
            hint="use another folder, or the workflow and the values of before",
        )


def _edit_differences(known: str, given: str, inputs: Inputs) -> Iterator[str]:
    there, here = (
        {
            (node_id, name): value
            for node_id, values in json.loads(text).items()
            for name, value in values.items()
        }
        for text in (known, given)
    )
    for place in dict.fromkeys([*there, *here]):
        if there.get(place) != here.get(place):
            item = inputs.at(*place)
            name = item.name if item else ".".join(place)
            pair = (values.get(place, AS_IN_FILE) for values in (there, here))
            yield difference(name, *pair)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
