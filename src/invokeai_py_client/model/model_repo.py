"""`ModelRepository`: the models of a server."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional, Union

from invokeai_py_client.model import flows, install_flows
from invokeai_py_client.model.flows import ModelKey, key_of, keys_of
from invokeai_py_client.model.lookup import ModelLike, restriction
from invokeai_py_client.model.model_install import ModelInstallJob
from invokeai_py_client.model.model_upkeep import ModelUpkeep
from invokeai_py_client.model.models import (
    BulkModelResult,
    ModelInstall,
    ModelRecord,
)

__all__ = ["ModelRepository"]

OneOrMore = Union[str, Iterable[str], None]


class ModelRepository(ModelUpkeep):
    """Lists, finds, installs and changes the models of a server.

    On a server with several users everything but looking needs an administrator.

    Args:
        runner: What runs the flows: the client's.
    """

    def _job(self, install: ModelInstall) -> ModelInstallJob:
        return ModelInstallJob(self._runner, install)

    def list_models(
        self,
        *,
        base: Union[str, Sequence[str], None] = None,
        type: Optional[str] = None,
        format: Optional[str] = None,
        name: Optional[str] = None,
        order_by: Optional[str] = None,
        descending: bool = False,
    ) -> list[ModelRecord]:
        """List the installed models.

        Args:
            base: Only this architecture, such as ``"sdxl"``, or these; unlike in
                `find_models`, models for any base do not fit.
            type: Only this type, such as ``"main"`` or ``"lora"``.
            format: Only this format, such as ``"checkpoint"``.
            name: Only models of exactly this name.
            order_by: ``"name"`` (the server's default), ``"type"``, ``"base"``,
                ``"format"``, ``"size"``, ``"created_at"``, ``"updated_at"`` or
                ``"path"``.
            descending: The other way round.

        Raises:
            UnprocessableEntityError: The server does not know such a base, type,
                format or order; the message lists those it knows.
            UnsupportedVersionError: The server is older than 6.13 and cannot order.
        """
        return self._runner.run(
            flows.list_models(
                base, type, format, name, order_by=order_by, descending=descending
            )
        )

    def list_missing_models(self) -> list[ModelRecord]:
        """List the installed models whose files are gone.

        Raises:
            UnsupportedVersionError: The server is older than 6.12.
        """
        return self._runner.run(flows.list_missing())

    def get_model(self, key: str) -> ModelRecord:
        """Read one model by its key; `resolve` takes names as well.

        Raises:
            NotFoundError: No model has this key.
        """
        return self._runner.run(flows.get_model(key))

    def get_model_by_hash(self, hash: str) -> ModelRecord:
        """Read the model whose files have this hash; it stays when a key changes.

        Raises:
            NotFoundError: No model has this hash.
            UnsupportedVersionError: The server is older than 6.12; `resolve` takes
                a hash on every server.
        """
        return self._runner.run(flows.get_by_hash(hash))

    def get_model_by_attributes(
        self, *, name: str, type: str, base: str
    ) -> ModelRecord:
        """Read the first model of exactly this name, type and base.

        Raises:
            NotFoundError: No model fits.
            UnprocessableEntityError: The server knows no such type or base.
        """
        return self._runner.run(flows.get_by_attributes(name, type, base))

    def find_model(
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
        return self._runner.run(
            flows.find_model(reference, restriction(base, type, format))
        )

    def find_models(
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
        return self._runner.run(
            flows.find_models(text, restriction(base, type, format))
        )

    def get_any_model(
        self,
        text: str = "",
        *,
        base: OneOrMore = None,
        type: OneOrMore = None,
        format: OneOrMore = None,
    ) -> ModelRecord:
        """Get a model of a kind, whichever: the first that `find_models` finds.

        For scripts that run on any server; `resolve` gets a certain one.

        Args:
            text: Words that must all occur, in any letter case.
            base: Only this architecture, or one of these; models for any base fit.
            type: Only this type, or one of these.
            format: Only this format, or one of these.

        Raises:
            ModelError: There is none; the hint tells what there is.
        """
        return self._runner.run(
            flows.get_any_model(text, restriction(base, type, format))
        )

    def resolve(
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
        return self._runner.run(
            flows.resolve(reference, restriction(base, type, format))
        )

    def install_model(
        self,
        source: Union[str, os.PathLike[str]],
        *,
        name: Optional[str] = None,
        config: Optional[Mapping[str, Any]] = None,
        move: bool = False,
        access_token: Optional[str] = None,
    ) -> ModelInstallJob:
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
        return self._runner.run(
            install_flows.install_model(
                self._job,
                os.fspath(source),
                config={**(config or {}), **({"name": name} if name else {})},
                move=move,
                access_token=access_token,
            )
        )

    def list_installs(self) -> list[ModelInstall]:
        """List the installations since the server started."""
        return self._runner.run(install_flows.list_installs())

    def get_install(self, job_id: int) -> ModelInstallJob:
        """Find an installation that somebody started, to wait for or to stop.

        Raises:
            ModelError: The server does not know it (any more).
        """
        return self._runner.run(install_flows.get_handle(self._job, job_id))

    def prune_installs(self) -> None:
        """Let the server forget the installations that have ended."""
        return self._runner.run(install_flows.prune_installs())

    def update_model(self, model: ModelKey, /, **changes: Any) -> ModelRecord:
        """Change a model's record; its files stay as they are.

        Args:
            model: Its key or record.
            changes: What to set, by the server's names: ``name``, ``description``,
                ``base``, ``type``, ``trigger_phrases``, ``default_settings`` …; None
                empties what may be empty.

        Returns:
            The model as it is now.

        Raises:
            NotFoundError: No model has this key.
            ModelError: This kind of model has no such setting.
            UnprocessableEntityError: A value that the server refuses.
            ConflictError: The model is in use, or the path is another model's.
        """
        return self._runner.run(flows.update_model(key_of(model), changes))

    def reidentify_model(self, model: ModelKey) -> ModelRecord:
        """Look again at a model's files and find out what it is.

        Name, description and the like stay; what was changed by hand of base, type
        or format does not.

        Raises:
            NotFoundError: No model has this key.
            ModelError: The server cannot tell what it is.
            UnsupportedVersionError: The server is older than 6.9.
        """
        return self._runner.run(flows.reidentify_model(key_of(model)))

    def reidentify_models(
        self, models: Union[ModelKey, Sequence[ModelKey]]
    ) -> BulkModelResult:
        """Look again at several models; the result says which failed and why.

        Raises:
            UnsupportedVersionError: The server is older than 6.13.
        """
        return self._runner.run(flows.reidentify_models(keys_of(models)))

    def convert_model(self, model: ModelKey) -> ModelRecord:
        """Replace a single-file model by its diffusers form. It takes minutes.

        The files of the old form are deleted if they are in the server's folder.

        Returns:
            The new model; its key is another one.

        Raises:
            NotFoundError: No model has this key.
            ModelError: It is no main SD 1, 2 or XL checkpoint.
            ConflictError: Another conversion runs, or it failed.
        """
        return self._runner.run(flows.convert_model(key_of(model)))

    def delete_model(self, model: ModelKey) -> None:
        """Remove a model; its files too, if they are in the server's own folder.

        Raises:
            NotFoundError: No model has this key.
            ConflictError: Something else is being done with the model.
        """
        return self._runner.run(flows.delete_model(key_of(model)))

    def delete_models(
        self, models: Union[ModelKey, Sequence[ModelKey]]
    ) -> BulkModelResult:
        """Remove several models; the result says which could not be and why.

        Raises:
            UnsupportedVersionError: The server is older than 6.10.
        """
        return self._runner.run(flows.delete_models(keys_of(models)))
