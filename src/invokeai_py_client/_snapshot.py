"""What every snapshot is made of: the frozen base, open enums, UTC times."""

from __future__ import annotations

from datetime import datetime, timezone
from enum import Enum
from typing import Annotated, Any, ClassVar, Optional

from pydantic import BaseModel, BeforeValidator, ConfigDict

from invokeai_py_client._exports import set_module


def as_utc(value: Any) -> Any:
    """Read the server's naive `YYYY-MM-DD HH:MM:SS.mmm` as the UTC it is.

    What is not a time is returned as it is.
    """
    if isinstance(value, str):
        text = value.replace("Z", "+00:00").replace(" ", "T", 1)
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            return value
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=timezone.utc)
    return value


UtcDatetime = Annotated[datetime, BeforeValidator(as_utc)]


@set_module("invokeai_py_client.models")
class Snapshot(BaseModel):
    """A frozen copy of something on the server at the moment it was read.

    Keys that this version of the library does not know are kept in `model_extra`.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="allow", protected_namespaces=()
    )


@set_module("invokeai_py_client.models")
class OpenEnum(str, Enum):
    """A string enum that keeps values which a newer server may send."""

    @classmethod
    def _missing_(cls, value: object) -> Optional[OpenEnum]:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member

    def __str__(self) -> str:
        return str(self.value)
