"""Model installation: from a path of this machine for real, from elsewhere in vain.

The simulator fetches nothing. A download fails as on a server without internet.
"""

from __future__ import annotations

import queue
import re
import tempfile
import threading
import traceback
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

from pydantic import BaseModel

from .model_folder import bytes_of, hash_of, size_of
from .model_kinds import bundled_kinds, tag_of
from .model_probe import check_path, identify, name_of
from .model_sources import (
    InstallError,
    NoInternetError,
    is_plain_name,
    read_source,
    refuse_download,
    text_of,
)
from .models_inventory import DuplicateModelError

if TYPE_CHECKING:
    from .simulation import Simulation

Fields = dict[str, Any]

_ENDED = ("completed", "error", "cancelled")
# What an override may say of a model only if it is so.
_IDENTITY = ("type", "format", "base", "variant")


class UnknownJobError(LookupError):
    """No installation has this number."""


class InstallJob:
    """One installation.

    Attributes:
        state: What the API shows of it.
        config: The `ModelRecordChanges` of the request.
        path: What is to be installed; None when it is not of this machine.
    """

    def __init__(self, state: Fields, config: BaseModel, path: Optional[Path]) -> None:
        self.state = state
        self.config = config
        self.path = path


class InstallJobs:
    """The installations of this process; forgotten when it ends."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._jobs: list[InstallJob] = []
        self._next = 0
        self._lock = threading.Lock()
        self._waiting: queue.Queue[Optional[InstallJob]] = queue.Queue()
        self._thread: Optional[threading.Thread] = None

    def begin(
        self, source: str, config: BaseModel, *, inplace: bool, token: Optional[str]
    ) -> Fields:
        """Accept an installation; what becomes of it must be asked for.

        Raises:
            UnknownSourceError: It is no path and no address.
            NoInternetError: It is a repository.
        """
        parsed, path = read_source(source, inplace=inplace, token=token)
        with self._lock:
            for job in self._jobs:
                active = job.state["status"] not in _ENDED
                if active and text_of(job.state["source"]) == text_of(parsed):
                    return dict(job.state)
            job = InstallJob(self._new(parsed, path, config), config, path)
            self._jobs.append(job)
            accepted = dict(job.state)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="simulated-installer", daemon=True
                )
                self._thread.start()
        self._waiting.put(job)
        return accepted

    def _new(self, source: Fields, path: Optional[Path], config: BaseModel) -> Fields:
        number, self._next = self._next, self._next + 1
        folder = self._simulation.model_folder.path
        if path is None and source["type"] == "url":
            # Where the download would go: made now, removed when it failed.
            path = Path(tempfile.mkdtemp(prefix="tmpinstall_", dir=folder))
        return {
            "id": number,
            "status": "waiting",
            "error_reason": None,
            "config_in": config.model_dump(mode="json", warnings=False),
            "config_out": None,
            "inplace": source.get("inplace", source["type"] == "external"),
            "source": source,
            "local_path": str(path or folder),
            "bytes": 0,
            "total_bytes": 0,
            "source_metadata": None,
            "download_parts": [],
            "error": None,
            "error_traceback": None,
        }

    def stop(self) -> None:
        """End after the installation that runs; the others stay undone."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join(timeout=10)

    def _work(self) -> None:
        while self._thread is not None:
            job = self._waiting.get()
            if job is None:
                return
            try:
                self._carry_out(job)
            except (InstallError, ValueError, OSError) as error:
                self._fail(job, error)

    def _emit(self, name: str, job: InstallJob, **more: Any) -> None:
        payload = {"id": job.state["id"], "source": job.state["source"], **more}
        self._simulation.emit(f"model_install_{name}", payload)

    def _fail(self, job: InstallJob, error: Exception) -> None:
        kind = getattr(error, "kind", type(error).__name__)
        job.state.update(
            status="error",
            error_reason=kind,
            error=str(error),
            error_traceback="".join(
                traceback.format_exception(type(error), error, error.__traceback__)
            ),
        )
        self._emit("error", job, error_type=kind, error=str(error))

    def _carry_out(self, job: InstallJob) -> None:
        state = job.state
        if state["status"] == "cancelled":
            self._emit("cancelled", job)
        if state["status"] != "waiting":
            return
        if state["source"]["type"] == "url":
            self._download(job)
            return
        if job.path is not None:
            state["total_bytes"] = state["bytes"] = bytes_of(job.path)
        kind = {"local": "path"}.get(state["source"]["type"], "external")
        told = {"source": text_of(state["source"]), "source_type": kind}
        state["config_in"] = {**state["config_in"], **told}
        state["status"] = "running"
        self._emit("started", job)
        given = {k: v for k, v in state["config_in"].items() if v is not None}
        if job.path is None:
            record = self._external(state["source"], given)
        else:
            record = self._local(job.path, given, inplace=state["inplace"])
        state.update(config_out=record, status="completed")
        self._emit(
            "complete",
            job,
            key=record["key"],
            total_bytes=state["total_bytes"],
            config=record,
        )

    def _local(self, path: Path, given: Fields, *, inplace: bool) -> Fields:
        record = probe(path, given)
        folder, models = self._simulation.model_folder, self._simulation.models
        if not inplace:
            try:
                path = folder.adopt(path, record["key"])
            except FileExistsError:
                raise InstallError(
                    "DuplicateModelException",
                    f"A model named {path.name} is already installed at "
                    f"{folder.path / record['key']}",
                ) from None
        record["path"] = folder.recorded(path)
        try:
            models.register(record)
        except DuplicateModelError as error:
            # Files that were moved stay where they are: orphans from now on.
            raise InstallError("DuplicateModelException", str(error)) from error
        return record

    def _external(self, source: Fields, given: Fields) -> Fields:
        provider, model = source["provider_id"], source["provider_model_id"]
        slug = re.sub(r"[^a-z0-9]+", "-", f"{provider}-{model}".lower()).strip("-")
        record = bundled_kinds().read(
            {
                "key": slug,
                "name": f"{provider} {model}",
                "capabilities": {"modes": ["txt2img"]},
                **given,
                "type": "external_image_generator",
                "format": "external_api",
                "base": "external",
                "provider_id": provider,
                "provider_model_id": model,
                "path": text_of(source),
                "hash": f"external:{provider}:{model}",
                "file_size": 0,
            }
        )
        models = self._simulation.models
        known = next(iter(models.matching(path=record["path"])), None)
        if known is None:
            models.add(record)
        else:
            record["key"] = known["key"]
            models.replace(record["key"], record)
        return record

    def _download(self, job: InstallJob) -> None:
        url = job.state["source"]["url"]
        try:
            refuse_download(url)
        except InstallError as error:
            self._fail(job, error)
            self._simulation.emit(
                "download_error",
                {
                    "source": url,
                    "error_type": f"{error.kind}({error})",
                    "error": job.state["error_traceback"],
                },
            )
        folder = Path(job.state["local_path"])
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()

    def all(self) -> list[Fields]:
        """Every job of this process."""
        return [dict(job.state) for job in self._jobs]

    def get(self, job_id: int) -> Fields:
        """One job as it stands.

        Raises:
            UnknownJobError: There is none.
        """
        return dict(self._find(job_id).state)

    def _find(self, job_id: int) -> InstallJob:
        for job in self._jobs:
            if job.state["id"] == job_id:
                return job
        raise UnknownJobError(f"No job with id {job_id} known")

    def cancel(self, job_id: int) -> None:
        """Cancel a job. The server says so of one that has ended as well."""
        self._find(job_id).state["status"] = "cancelled"

    def pause(self, job_id: int) -> Fields:
        """Pause a job that has not ended; nothing else happens to a local one."""
        job = self._find(job_id)
        if job.state["status"] not in _ENDED:
            job.state["status"] = "paused"
        return dict(job.state)

    def resume(self, job_id: int) -> Fields:
        """Go on with a paused download.

        Raises:
            NoInternetError: It is no download: the server fails over it.
        """
        job = self._find(job_id)
        if job.state["status"] == "paused":
            job.state["status"] = "waiting"
            if job.state["source"]["type"] != "url":
                raise NoInternetError("no files to download")
            self._waiting.put(job)
        return dict(job.state)

    def restart_failed(self, job_id: int) -> Fields:
        """Download again what failed: nothing, as no download ever began."""
        return self.get(job_id)

    def restart_file(self, job_id: int, url: str) -> Fields:
        """Download one file again; one it does not have leaves the job waiting."""
        job = self._find(job_id)
        if job.state["source"]["type"] == "url":
            job.state["status"] = "waiting"
            if job.state["source"]["url"] == url:
                accepted = dict(job.state)
                self._waiting.put(job)
                return accepted
        return dict(job.state)

    def prune(self) -> None:
        """Forget the jobs that have ended."""
        with self._lock:
            self._jobs = [j for j in self._jobs if j.state["status"] not in _ENDED]


def probe(path: Path, given: Mapping[str, Any]) -> Fields:
    """The record of what is at a path.

    Args:
        path: A file or folder.
        given: What the request says of it. What contradicts the files makes the model
            unknown; only some of the rest is heeded, as on the real server.

    Raises:
        ValueError: It does not look like a model, or a value is no such thing.
    """
    if not is_plain_name(given.get("key", "key")):
        raise ValueError(f"Invalid model key {given['key']!r}")
    check_path(path)
    kinds = bundled_kinds()
    if "format" in given:
        kinds.named("ModelFormat")(given["format"])
    name = given.get("name") or name_of(path)
    common = {
        "path": path.as_posix(),
        "source": given.get("source") or path.as_posix(),
        "source_type": given.get("source_type") or "path",
        "name": name,
        "hash": given.get("hash") or hash_of(path),
        "key": given.get("key") or str(uuid.uuid4()),
        "description": given.get("description"),
        "file_size": given.get("file_size") or size_of(path),
    }
    found = identify(path, name)
    said = {field: given[field] for field in _IDENTITY if field in given}
    if found is not None and all(
        kinds.fits(tag_of(found), field, value) for field, value in said.items()
    ):
        return kinds.read({**common, **found, **said})
    unknown = {"type": "unknown", "format": "unknown", "base": "unknown"}
    return kinds.read({**common, **unknown})
