"""Model installation from a path of this machine, without downloads."""

from __future__ import annotations

import queue
import threading
import traceback
from pathlib import Path, PureWindowsPath
from typing import Any, Optional

from pydantic import BaseModel

from ..base.events import Emit
from .model_folder import ModelFolder, size_of
from .model_probe import Fields, probe
from .models_inventory import COPIED, IN_PLACE, DuplicateModelError, Models

_ENDED = ("completed", "error", "cancelled")


class UnknownJobError(LookupError):
    """No installation has this number."""


class UnknownSourceError(ValueError):
    """The source is neither a local path nor a URL."""


def is_plain_name(name: str) -> bool:
    """Whether a name is a valid file name on every platform."""
    if not name or any(c in '<>:"|?*' or not c.isprintable() for c in name):
        return False
    return name.strip(" .") != "" and PureWindowsPath(name).name == name


def _read_source(source: str, inplace: bool, token: Optional[str]) -> Fields:
    bare = source.strip('"')
    if Path(bare).exists():
        return {"path": str(Path(bare)), "inplace": inplace, "type": "local"}
    if source.startswith(("http://", "https://")):
        return {"url": source, "access_token": token, "type": "url"}
    raise UnknownSourceError(f"Unsupported model source: '{source}'")


class InstallJobs:
    """The installations of this process; forgotten when it ends."""

    def __init__(self, models: Models, folder: ModelFolder, emit: Emit) -> None:
        self._models = models
        self._folder = folder
        self._emit = emit
        self._jobs: dict[int, Fields] = {}
        self._next = 0
        self._lock = threading.Lock()
        self._waiting: queue.Queue[Optional[Fields]] = queue.Queue()
        self._thread: Optional[threading.Thread] = None

    def begin(
        self, source: str, config: BaseModel, *, inplace: bool, token: Optional[str]
    ) -> Fields:
        """Accept an installation; `get` tells how far it is."""
        parsed = _read_source(source, inplace, token)
        with self._lock:
            for job in self._jobs.values():
                if job["status"] not in _ENDED and job["source"] == parsed:
                    return dict(job)
            job = self._new(parsed, config)
            accepted = dict(job)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="simulated-installer", daemon=True
                )
                self._thread.start()
        self._waiting.put(job)
        return accepted

    def _new(self, source: Fields, config: BaseModel) -> Fields:
        number, self._next = self._next, self._next + 1
        self._jobs[number] = {
            "id": number,
            "status": "waiting",
            "error_reason": None,
            "config_in": config.model_dump(mode="json", warnings=False),
            "config_out": None,
            "inplace": source.get("inplace", False),
            "source": source,
            "local_path": source.get("path", str(self._folder.path)),
            "bytes": 0,
            "total_bytes": 0,
            "source_metadata": None,
            "download_parts": [],
            "error": None,
            "error_traceback": None,
        }
        return self._jobs[number]

    def stop(self) -> None:
        """Stop after the running installation; those that wait are dropped."""
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
            except (ValueError, OSError) as error:
                self._fail(job, error)

    def _announce(self, name: str, job: Fields, **more: Any) -> None:
        payload = {"id": job["id"], "source": job["source"], **more}
        self._emit(f"model_install_{name}", payload)

    def _fail(self, job: Fields, error: Exception) -> None:
        kind = getattr(error, "kind", type(error).__name__)
        job.update(
            status="error",
            error_reason=kind,
            error=str(error),
            error_traceback="".join(traceback.format_tb(error.__traceback__)),
        )
        self._announce("error", job, error_type=kind, error=str(error))

    def _carry_out(self, job: Fields) -> None:
        if job["status"] == "cancelled":
            self._announce("cancelled", job)
            return
        if job["source"]["type"] == "url":
            raise ConnectionError("the simulator does not download models")
        path = Path(job["source"]["path"])
        origin = {"source": path.as_posix(), "source_type": "path"}
        job["config_in"] = {**job["config_in"], **origin}
        job["total_bytes"] = job["bytes"] = size_of(path)
        job["status"] = "running"
        self._announce("started", job)
        record = self._register(path, job)
        job.update(config_out=record, status="completed")
        about = {"key": record["key"], "total_bytes": job["total_bytes"]}
        self._announce("complete", job, **about, config=record)

    def _register(self, path: Path, job: Fields) -> Fields:
        record = probe(path, job["config_in"])
        if not job["inplace"]:
            try:
                path = self._folder.adopt(path, record["key"])
            except FileExistsError:
                raise DuplicateModelError(
                    f"A model named {path.name} is already installed at "
                    f"{self._folder.path / record['key']}"
                ) from None
        record["path"] = self._folder.recorded(path)
        self._models.register(record, COPIED if not job["inplace"] else IN_PLACE)
        return record

    def all(self) -> list[Fields]:
        """Every job of this process."""
        return [dict(job) for job in self._jobs.values()]

    def get(self, job_id: int) -> Fields:
        """The current state of one job."""
        if job_id not in self._jobs:
            raise UnknownJobError(f"No job with id {job_id} known")
        return dict(self._jobs[job_id])

    def cancel(self, job_id: int) -> None:
        """Cancel a job; one that has ended is called cancelled too."""
        self.get(job_id)
        self._jobs[job_id]["status"] = "cancelled"

    def prune(self) -> None:
        """Remove the jobs that have ended."""
        with self._lock:
            for job in self.all():
                if job["status"] in _ENDED:
                    del self._jobs[job["id"]]
