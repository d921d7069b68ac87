"""Records that have a list on the server, and a route for each: by name or by id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from invokeai_py_client._arguments import Naming
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.send import (
    call_model,
    delete,
    get,
    patch,
    request_json,
    route,
)

T = TypeVar("T")


class NamedRecords(Generic[T]):
    """The flows that all records of this kind have.

    Args:
        model: The class of one.
        naming: How one is identified; an `UnknownNameError` says that none has a
            name, or several.
        list_path: The route of all of them.
        path: The route of one, with ``{}`` for its id.
    """

    def __init__(
        self, model: type[T], naming: Naming, list_path: str, path: str
    ) -> None:
        self._model = model
        self._naming = naming
        self._list_path = list_path
        self._path = path
        self.kind = naming.kind(model)

    def list_all(self) -> Flow[list[T]]:
        """All that the user may see."""
        request = get(self._list_path)
        return (yield from call_model(list[self._model], request))  # type: ignore[name-defined]

    def find_id(self, record: Any) -> Flow[str]:
        """The id of a record, or of what a name means."""
        text = self.kind.read(self._naming.noun.split()[-1], record)
        return (yield from self._naming.get_id(text, self.list_all))

    def find_route(self, record: Any) -> Flow[str]:
        """The route of one."""
        return route(self._path, (yield from self.find_id(record)))

    def get(self, record: Any) -> Flow[T]:
        """Read one."""
        request = get((yield from self.find_route(record)))
        return (yield from call_model(self._model, request))

    def update(self, record: Any, changes: Mapping[str, Any]) -> Flow[T]:
        """Change one."""
        request = patch((yield from self.find_route(record)), json=dict(changes))
        return (yield from call_model(self._model, request))

    def delete(self, record: Any) -> Flow[None]:
        """Delete one for good."""
        # An answer without content is one that the server fails to compress.
        request = delete((yield from self.find_route(record)), identity=True)
        yield from request_json(request)
