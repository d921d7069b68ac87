# Generated from model_repo.py by scripts/generate_async.py; do not edit.
"""`AsyncModelRepository`: the models of a server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Optional, Union

from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client.model import flows
from invokeai_py_client.model.async_model_install import AsyncModelInstallJob
from invokeai_py_client.model.lookup import ModelLike, restriction
from invokeai_py_client.model.models import ModelInstall, ModelRecord

__all__ = ["AsyncModelRepository"]

OneOrMore = Union[str, Iterable[str], None]


class AsyncModelRepository:
    """Lists, finds and installs the models of a server.

    Args:
        runner: What runs the flows: the client's.
    """

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner

    def _job(self, install: ModelInstall) -> AsyncModelInstallJob:
        return AsyncModelInstallJob(self._runner, install)

    async def list_models(
        self,
        *,
        base: Optional[str] = None,
        type: Optional[str] = None,
        format: Optional[str] = None,
        name: Optional[str] = None,
    ) -> list[ModelRecord]:
        """List the installed models.

        Args:
            base: Only this architecture, such as ``"sdxl"``.
            type: Only this type, such as ``"main"`` or ``"lora"``.
            format: Only this format, such as ``"checkpoint"``.
            name: Only models of exactly this name.

        Raises:
            UnprocessableEntityError: The server does not know such a base, type or
                format; the message lists those it knows.
        """
        return await self._runner.run(flows.list_models(base, type, format, name))

    async def get_model(self, key: str) -> ModelRecord:
        """Read one model by its key; `resolve` takes names as well.

        Raises:
            NotFoundError: No model has this key.
        """
        return await self._runner.run(flows.get_model(key))

    async def find_model(
        self,
        reference: ModelLike,
        *,
        base: OneOrMore = None,
        type: OneOrMore = None,
        format: OneOrMore = None,
    ) -> Optional[ModelRecord]:
        """Find the one model that a key, hash or name means; None if none does.

        Arguments and order as for `resolve`.

        Raises:
            ModelError: Several models are meant equally well.
        """
        return await self._runner.run(
            flows.find_model(reference, restriction(base, type, format))
        )

    async def find_models(
        self,
        text: str = "",
        *,
        base: OneOrMore = None,
        type: OneOrMore = None,
        format: OneOrMore = None,
    ) -> list[ModelRecord]:
        """Find models by words in their name, key, hash or description.

        Args:
            text: Words that must all occur, in any letter case.
            base: Only this architecture, or one of these; models for any base fit.
            type: Only this type, or one of these.
            format: Only this format, or one of these.
        """
        return await self._runner.run(
            flows.find_models(text, restriction(base, type, format))
        )

    async def resolve(
        self,
        reference: ModelLike,
        *,
        base: OneOrMore = None,
        type: OneOrMore = None,
        format: OneOrMore = None,
    ) -> ModelRecord:
        """Get the one model that a reference means.

        A text is tried as a key, a hash, an exact name, and a name in any letter
        case, in this order; the first that fits an acceptable model decides.

        Args:
            reference: A text, a record, or an identifier as workflows hold it.
            base: Only this architecture, or one of these; models for any base fit.
            type: Only this type, or one of these.
            format: Only this format, or one of these.

        Raises:
            ModelError: None fits, with the names that come near; or several do.
        """
        return await self._runner.run(
            flows.resolve(reference, restriction(base, type, format))
        )

    async def install_model(
        self,
        source: str,
        *,
        name: Optional[str] = None,
        config: Optional[Mapping[str, Any]] = None,
        move: bool = False,
        access_token: Optional[str] = None,
    ) -> AsyncModelInstallJob:
        """Start an installation; `wait` on the result to know whether it worked.

        The request is never repeated by itself. Needs an administrator.

        Args:
            source: A path on the server's machine, a URL, or a HuggingFace
                repository such as ``"owner/name"``.
            name: What the model is to be called; None for the server's choice.
            config: More of the record to set, such as ``{"description": "..."}``.
            move: Let the server move a local path into its own folder, which it
                deletes together with the model. By default the files stay where
                they are and belong to you.
            access_token: For sources that need one.

        Raises:
            ModelError: The server does not take this source.
        """
        return await self._runner.run(
            flows.install_model(
                self._job,
                source,
                config={**(config or {}), **({"name": name} if name else {})},
                move=move,
                access_token=access_token,
            )
        )

    async def list_installs(self) -> list[ModelInstall]:
        """List the installations since the server started."""
        return await self._runner.run(flows.list_installs())

    async def delete_model(self, key: str) -> None:
        """Remove a model; its files too, if they are in the server's own folder.

        Raises:
            NotFoundError: No model has this key.
        """
        return await self._runner.run(flows.delete_model(key))
