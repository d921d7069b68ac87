"""Where a file goes whose name this library chooses."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Union


def file_in(target: Union[str, os.PathLike[str]], name: str) -> Path:
    """`target`, or the file `name` in it when it is a folder.

    An existing folder, or a path that ends with a separator, is a folder.
    """
    text = os.fspath(target)
    path = Path(text).expanduser()
    separators = tuple(sep for sep in (os.sep, os.altsep) if sep)
    return path / name if path.is_dir() or text.endswith(separators) else path
