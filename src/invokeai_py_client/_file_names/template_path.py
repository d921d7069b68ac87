"""A path with a template in it: which part is the folder, and which the template."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional, Union

from invokeai_py_client._file_names.template import FileNameTemplate, is_template


def template_in(
    target: Union[str, os.PathLike[str]], own_name: str
) -> Optional[tuple[Path, FileNameTemplate]]:
    """The folder and the template of a path such as ``"out/{index:05d}.png"``.

    The leading part that exists is taken as it is, also with braces in the names of
    its folders; the template begins at the first part that has braces and does not
    exist. It looks at the disk.

    Args:
        target: What the user gave.
        own_name: The field that names the file in a path that ends with a separator.

    Returns:
        None for a path without braces, and for a folder that exists.

    Raises:
        ArgumentError: The template is wrong.
    """
    text = os.fspath(target)
    if not is_template(text):
        return None
    path = Path(text).expanduser()
    folder = next((part for part in (path, *path.parents) if part.is_dir()), Path())
    if folder == path:
        return None
    rest = list(path.relative_to(folder).parts)
    while rest and not is_template(rest[0]):
        folder /= rest.pop(0)
    if text.endswith((os.sep, os.altsep or os.sep)):
        rest.append(f"{{{own_name}}}")
    if not rest:
        return None
    return folder, FileNameTemplate.parse("/".join(rest), argument="path")
