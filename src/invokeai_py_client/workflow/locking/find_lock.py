"""Which lock a workflow is loaded with: the one given, or the one beside its file."""

from __future__ import annotations

import os
from typing import Optional, Union

from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.locking.workflow_lock import WorkflowLock, lock_path

LockOption = Union[None, bool, str, "os.PathLike[str]", WorkflowLock]
"""None: the lock beside the file, if there is one; True: it has to be there; False: no
lock; else a lock file or a lock."""


def find_lock(
    definition: WorkflowDefinition, option: LockOption
) -> Optional[WorkflowLock]:
    """Read the lock that `option` means; None for none.

    Raises:
        ArgumentError: A lock has to be there, and is not.
        WorkflowFormatError: The lock file cannot be read.
    """
    if option is False or isinstance(option, WorkflowLock):
        return option or None
    if option is not None and option is not True:
        return WorkflowLock.from_file(option)
    path = lock_path(definition.file) if definition.file is not None else None
    if path is not None and path.is_file():
        return WorkflowLock.from_file(path)
    if option is True:
        raise ArgumentError(
            "lock",
            True,
            f"it only where {path} exists" if path else "it only for a file",
            hint="make one with `ivk workflow lock`, or pass the path of one",
        )
    return None
