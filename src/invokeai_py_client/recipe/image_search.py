"""Images found by what made them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Annotated, Any, Optional, Protocol, Union, runtime_checkable

from invokeai_py_client._arguments import (
    STRING,
    Count,
    Kind,
    NotAllowedError,
    Whole,
    checks_arguments,
)
from invokeai_py_client._io.runner import Runner
from invokeai_py_client._snapshot import as_utc
from invokeai_py_client.image.image_handle import IvkImage
from invokeai_py_client.image.models import BoardLike
from invokeai_py_client.image.query import image_query


@runtime_checkable
class _HasKey(Protocol):
    @property
    def key(self) -> str: ...


def _model_text(value: Any) -> str:
    return str(STRING.convert(value.key if isinstance(value, _HasKey) else value))


def _moment(value: Any) -> datetime:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    moment = as_utc(value.strip() if isinstance(value, str) else value)
    if not isinstance(moment, datetime):
        raise NotAllowedError
    return moment


_MODEL = Kind("part of a model's name, its key or hash, or a ModelRecord", _model_text)
_SINCE = Kind("a date or a time, such as '2026-03-18' or '2026-03-18 09:30'", _moment)
ModelText = Annotated[Union[str, _HasKey], _MODEL]
Since = Annotated[Union[str, date, datetime], _SINCE]


@checks_arguments
class SearchesImages:
    """What finds images of a server by what made them."""

    _runner: Runner
    _address: str
    _read: Callable[[Any], IvkImage]

    def search_images(
        self,
        *,
        prompt: Optional[str] = None,
        model: Optional[ModelText] = None,
        seed: Optional[Whole] = None,
        board: Optional[BoardLike] = None,
        since: Optional[Since] = None,
        limit: Optional[Count] = None,
    ) -> list[IvkImage]:
        """Find images by what made them, newest first; all that is given must fit.

        An index on this machine knows what is stored with each image: its graph,
        workflow and metadata. A search first reads the images that are new, two
        requests for each, so the first search of a large gallery takes long; one that
        is interrupted goes on from there. Intermediate images are left out.

        Args:
            prompt: Part of the positive prompt, in any letter case.
            model: Part of the name of a model or LoRA, its key or hash, or its record.
            seed: The seed.
            board: Only this board's; ``"none"`` for the images on no board.
            since: Only images made then or later; in UTC when no zone is given.
            limit: At most this many; None for all.

        Raises:
            UnsupportedVersionError: The server is older than 6.0.
        """
        # Imported here: a script may never need it.
        from invokeai_py_client.recipe.image_index import Wanted
        from invokeai_py_client.recipe.search_flows import search

        moment = None if since is None else _moment(since)
        wanted = Wanted(
            prompt,
            None if model is None else _model_text(model),
            seed,
            None if moment is None else moment.timestamp(),
        )
        query = image_query(board)
        return self._runner.run(search(self._read, self._address, query, wanted, limit))
