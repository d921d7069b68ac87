"""The fields that a template can have: of a job, and of a file that it made."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from typing import Any

from invokeai_py_client._file_names.template import FileNameTemplate

# What is distinct for each file of one job.
_DISTINCT = frozenset({"ordinal", "image_name", "video_name"})
_PROMPTS = ("prompt", "positive_prompt")
MEDIA_FIELDS = ("width", "height", "date")
"""What the record of an image or video on the server has, besides its name."""


def job_fields(values: Mapping[str, Any], **own: Any) -> dict[str, Any]:
    """The fields of one job, or of one item of a sweep.

    Args:
        values: The values of the inputs, by name.
        own: Fields that no input can hide, such as ``index``, ``key`` and ``seed``.
    """
    return {**_by_usual_names(values), **values, **own}


def _by_usual_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """The prompt and the model, also where the inputs have other names."""
    prompts = [values[name] for name in _PROMPTS if name in values]
    models = [value for value in values.values() if _is_model(value)]
    return {
        "prompt": next(iter(prompts), None),
        "model": next(iter(models), None),
        "seed": None,
    }


def _is_model(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "$model" in value or {"name", "base", "type"} <= value.keys()
    return False


def file_name(
    template: FileNameTemplate, fields: Mapping[str, Any], suffix: str = ""
) -> str:
    """The name of one file; later ones of a job get ``-2``, ``-3``.

    They do where the template itself does not distinguish the files of one job, which
    ``ordinal`` counts from 1.

    Raises:
        ArgumentError: The template does not fit the fields.
    """
    name = template.format(fields, suffix=suffix)
    ordinal = fields.get("ordinal")
    if not isinstance(ordinal, int) or ordinal < 2 or _DISTINCT & {*template.fields}:
        return name
    stem, end = os.path.splitext(name)
    return f"{stem}-{ordinal}{end}"


def check_run(template: FileNameTemplate, values: Mapping[str, Any]) -> None:
    """Check a template for the images of a run that has not begun.

    Args:
        template: The template.
        values: The values that the inputs have now, by name.

    Raises:
        ArgumentError: The template does not fit the fields.
    """
    own = dict.fromkeys(("index", "ordinal", "seed", "job", "width", "height"), 1)
    made = datetime.datetime.now()
    fields = job_fields(values, **own, output="", batch="", image_name="", date=made)
    template.format(fields)
