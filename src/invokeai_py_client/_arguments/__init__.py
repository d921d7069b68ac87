"""Arguments of public methods: what they may be, and the error when they are not."""

from __future__ import annotations

from invokeai_py_client._arguments.annotations import (
    checked as checked,
    checks_arguments as checks_arguments,
    kind_of as kind_of,
)
from invokeai_py_client._arguments.kinds import (
    PATH as PATH,
    STRING as STRING,
    Count as Count,
    Json as Json,
    JsonObject as JsonObject,
    Kind as Kind,
    Name as Name,
    NotAllowedError as NotAllowedError,
    PathLike as PathLike,
    Seconds as Seconds,
    Tag as Tag,
    Whole as Whole,
    question as question,
    whole_number as whole_number,
)
from invokeai_py_client._arguments.naming import KnownId as KnownId, Naming as Naming
