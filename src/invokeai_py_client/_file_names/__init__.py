"""Names of files: the template language, and names that are safe and distinct. Pure.

A template such as ``"{index:05d}-{seed}-{positive_prompt:slug:40}.png"`` is the same
everywhere: in `save`, in downloads, in sweeps and on the command line.
"""

from __future__ import annotations

from invokeai_py_client._file_names.fields import (
    MEDIA_FIELDS as MEDIA_FIELDS,
    check_run as check_run,
    file_name as file_name,
    job_fields as job_fields,
)
from invokeai_py_client._file_names.safe_names import (
    TakenNames as TakenNames,
    distinct_file_names as distinct_file_names,
    safe_file_name as safe_file_name,
    tag as tag,
    tagged as tagged,
)
from invokeai_py_client._file_names.slug import file_slug as file_slug
from invokeai_py_client._file_names.template import (
    FileNameTemplate as FileNameTemplate,
    is_template as is_template,
)
from invokeai_py_client._file_names.template_path import template_in as template_in
