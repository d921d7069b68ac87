"""`ModelRepository`: the models of a server."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, Optional, Union

from invokeai_py_client._arguments import (
    Count,
    JsonObject,
    Name,
    PathLike,
    checks_arguments,
)
from invokeai_py_client._core.send import call_model, delete, get, request_json
from invokeai_py_client._exports import set_module
from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.model import flows, install_flows
from invokeai_py_client.model.lookup import (
    ModelLike,
    find_models,
    many,
    pick_model,
    restriction,
)
from invokeai_py_client.model.model_install import ModelInstallJob
from invokeai_py_client.model.model_upkeep import ModelUpkeep
from invokeai_py_client.model.models import (
    BulkModelResult,
    ModelInstall,
    ModelRecord,
)

OneOrMore = Union[Name, Iterable[Name], None]


@set_module("invokeai_py_client.model")
@checks_arguments
class ModelRepository(ModelUpkeep):
    """Lists, finds, installs and changes the models of a server.

    On a server with several users everything but looking needs an administrator. A
    method that takes a model raises `ModelError` when no model, or more than one, is
    meant, and `NotFoundError` when none has the key.
    """

    def list_models(
        self,
        *,
        base: OneOrMore = None,
        type: Optional[str] = None,
        format: Optional[str] = None,
        name: Optional[str] = None,
        order_by: Optional[str] = None,
        descending: bool = False,
    ) -> list[ModelRecord]:
        """List the installed models.

        Args:
            base: Only this architecture, such as ``"sdxl"``, or these; unlike in
                `search_models`, models for any base do not fit.
            type: Only this type, such as ``"main"`` or ``"lora"``.
            format: Only this format, such as ``"checkpoint"``.
            name: Only models of exactly this name.
            order_by: ``"name"`` (the server's default), ``"type"``, ``"base"``,
                ``"format"``, ``"size"``, ``"created_at"``, ``"updated_at"`` or
                ``"path"``.
            descending: Reverse the order.

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
        return self._runner.run(flows.read_models(get(flows.MISSING)))

    def get_model_by_hash(self, hash: Name) -> ModelRecord:
        """Read the model whose files have this hash; it stays when a key changes.

        Raises:
            NotFoundError: No model has this hash.
            UnsupportedVersionError: The server is older than 6.12; `get_model` takes
                a hash on every server.
        """
        request = get(flows.MODELS + "get_by_hash", params={"hash": hash})
        return self._runner.run(call_model(ModelRecord, request))

    def get_model_by_attributes(
        self, *, name: Name, type: Name, base: Name
    ) -> ModelRecord:
        """Read the first model of exactly this name, type and base.

        Raises:
            NotFoundError: No model fits.
            UnprocessableEntityError: The server knows no such type or base.
        """
        params = {"name": name, "type": type, "base": base}
        request = get(flows.MODELS + "get_by_attrs", params=params)
        return self._runner.run(call_model(ModelRecord, request))

    def find_model(
        self,
        model: ModelLike,
        *,
        base: OneOrMore = None,
        type: OneOrMore = None,
        format: OneOrMore = None,
    ) -> Optional[ModelRecord]:
        """Find the one model that a key, hash or name means; None if none does.

        Arguments and order as for `get_model`.

        Raises:
            ModelError: Several models are meant equally well.
        """
        models = self._runner.run(flows.list_models())
        return pick_model(models, model, restriction(base, type, format))

    def search_models(
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
        models = self._runner.run(flows.list_models())
        return find_models(models, text, restriction(base, type, format))

    def get_any_model(
        self,
        text: str = "",
        *,
        base: OneOrMore = None,
        type: OneOrMore = None,
        format: OneOrMore = None,
    ) -> ModelRecord:
        """Get any model of a kind: the first that `search_models` finds.

        For scripts that run on any server; `get_model` gets a certain one. The
        arguments are those of `search_models`.

        Raises:
            ModelError: There is none; the hint lists what there is.
        """
        return self._runner.run(
            flows.get_any_model(text, restriction(base, type, format))
        )

    def get_model(
        self,
        model: ModelLike,
        *,
        base: OneOrMore = None,
        type: OneOrMore = None,
        format: OneOrMore = None,
    ) -> ModelRecord:
        """Read the one model that is meant.

        A string is tried as a key, a hash, an exact name, and a name in any letter
        case, in this order; the first that fits an acceptable model decides.

        Args:
            model: A string, a record, or an identifier as workflows hold it.
            base: Only this architecture, or one of these; models for any base fit.
            type: Only this type, or one of these.
            format: Only this format, or one of these.

        Raises:
            ModelError: None fits, with the names that come near; or several do.
        """
        return self._runner.run(flows.resolve(model, restriction(base, type, format)))

    def install_model(
        self,
        source: Union[Name, PathLike],
        *,
        name: Optional[Name] = None,
        config: Optional[JsonObject] = None,
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
        config = {**(config or {}), **({"name": name} if name else {})}
        install = self._runner.run(
            install_flows.install_model(os.fspath(source), config, move, access_token)
        )
        return ModelInstallJob(self._runner, install)

    def list_installs(self) -> list[ModelInstall]:
        """List the installations since the server started."""
        request = get(install_flows.INSTALL)
        return self._runner.run(call_model(list[ModelInstall], request))

    def get_install(self, job_id: Count) -> ModelInstallJob:
        """Find an installation that was started elsewhere, to wait for it or stop it.

        Raises:
            ModelError: The server does not know it (any more).
        """
        install = self._runner.run(install_flows.get_install(job_id))
        return ModelInstallJob(self._runner, install)

    def prune_installs(self) -> None:
        """Let the server forget the installations that have ended."""
        self._runner.run(request_json(delete(install_flows.INSTALL, identity=True)))

    def update_model(self, model: ModelLike, /, **changes: Any) -> ModelRecord:
        """Change a model's record; its files stay as they are.

        Args:
            model: The model, its name or its key.
            changes: What to set, by the server's names: ``name``, ``description``,
                ``base``, ``type``, ``trigger_phrases``, ``default_settings`` …; None
                empties what may be empty.

        Returns:
            The model as it is now.

        Raises:
            ModelError: This kind of model has no such setting.
            UnprocessableEntityError: A value that the server refuses.
            ConflictError: The model is in use, or the path is another model's.
        """
        if not changes:
            raise ArgumentError("changes", changes, "something to change")
        return self._runner.run(flows.update_model(model, changes))

    def reidentify_model(self, model: ModelLike) -> ModelRecord:
        """Look again at a model's files and find out what it is.

        Name, description and the like stay; what was changed by hand of base, type
        or format does not.

        Raises:
            ModelError: The server cannot identify it.
            UnsupportedVersionError: The server is older than 6.9.
        """
        return self._runner.run(flows.reidentify_model(model))

    def reidentify_models(
        self, models: Union[ModelLike, Sequence[ModelLike]]
    ) -> BulkModelResult:
        """Look again at several models; the result says which failed and why.

        Raises:
            UnsupportedVersionError: The server is older than 6.13.
        """
        return self._runner.run(
            flows.change_models("bulk_reidentify", many(models), "succeeded")
        )

    def convert_model(self, model: ModelLike) -> ModelRecord:
        """Replace a single-file model by its diffusers form. It takes minutes.

        The files of the old form are deleted if they are in the server's folder.

        Returns:
            The new model; its key is another one.

        Raises:
            ModelError: It is not a main SD 1, 2 or XL checkpoint.
            ConflictError: Another conversion runs, or it failed.
        """
        return self._runner.run(flows.convert_model(model))

    def delete_model(self, model: ModelLike) -> None:
        """Remove a model; its files too, if they are in the server's own folder.

        Raises:
            ConflictError: Something else is being done with the model.
        """
        return self._runner.run(flows.delete_model(model))

    def delete_models(
        self, models: Union[ModelLike, Sequence[ModelLike]]
    ) -> BulkModelResult:
        """Remove several models; the result says which could not be and why.

        Raises:
            UnsupportedVersionError: The server is older than 6.10.
        """
        return self._runner.run(
            flows.change_models("bulk_delete", many(models), "deleted")
        )
