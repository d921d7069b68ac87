"""Model installation from a path of this machine, as far as a record goes.

Nothing is copied, moved or read beyond the question whether the path exists.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .models_inventory import model_record

if TYPE_CHECKING:
    from .simulation import Simulation

_SUFFIXES = (".safetensors", ".ckpt", ".pt", ".bin", ".pth", ".gguf")


class UnknownSourceError(ValueError):
    """The source is neither a path here nor anything the simulator could fetch."""


class UnknownJobError(LookupError):
    """No installation has this number."""


class InstallJobs:
    """The installations of this process; forgotten when it ends."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._jobs: dict[int, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def begin(self, source: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
        """Install what is at a path; ends at once, well or badly.

        Returns:
            The job as it was when it was accepted. Its end must be asked for.

        Raises:
            UnknownSourceError: Nothing is there.
        """
        path = Path(source)
        if not path.exists():
            raise UnknownSourceError(f"Unsupported model source: '{source}'")
        with self._lock:
            job = _new_job(len(self._jobs), source, overrides)
            self._jobs[job["id"]] = job
        accepted = dict(job)
        event = {"id": job["id"], "source": job["source"]}
        self._simulation.emit("model_install_started", event)
        self._finish(job, path, overrides)
        return accepted

    def _finish(
        self, job: dict[str, Any], path: Path, overrides: Mapping[str, Any]
    ) -> None:
        event = {"id": job["id"], "source": job["source"]}
        problem = self._problem(path)
        if problem is not None:
            kind, message = problem
            job.update(
                status="error", error_reason=kind, error=message, error_traceback=""
            )
            self._simulation.emit(
                "model_install_error", {**event, "error_type": kind, "error": message}
            )
            return
        details: dict[str, Any] = {
            "base": "unknown",
            "type": "unknown",
            "format": "unknown",
            "path": str(path),
            "source": str(path),
            **overrides,
        }
        name = str(details.pop("name", None) or path.stem)
        config = self._simulation.models.add(model_record(name, **details))
        job.update(status="completed", config_out=config)
        self._simulation.emit(
            "model_install_complete",
            {
                **event,
                "key": config["key"],
                "total_bytes": config["file_size"],
                "config": config,
            },
        )

    def _problem(self, path: Path) -> Any:
        if path.is_file() and path.suffix not in _SUFFIXES:
            return "ValueError", f"Unrecognized file extension {path.suffix}"
        known = {config["path"] for config in self._simulation.models.all()}
        if str(path) in known:
            return "DuplicateModelException", f"A model at {path} is installed already"
        return None

    def all(self) -> list[dict[str, Any]]:
        """Every job of this process."""
        return list(self._jobs.values())

    def get(self, job_id: int) -> dict[str, Any]:
        """One job.

        Raises:
            UnknownJobError: There is none.
        """
        try:
            return self._jobs[job_id]
        except KeyError:
            raise UnknownJobError(f"No job with id {job_id} known") from None

    def cancel(self, job_id: int) -> None:
        """Cancel a job; one that has ended stays as it is."""
        job = self.get(job_id)
        if job["status"] not in ("completed", "error"):
            job["status"] = "cancelled"

    def prune(self) -> None:
        """Forget the jobs that have ended."""
        ended = ("completed", "error", "cancelled")
        with self._lock:
            for job_id in [
                i for i, job in self._jobs.items() if job["status"] in ended
            ]:
                del self._jobs[job_id]


def _new_job(job_id: int, source: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": job_id,
        "status": "waiting",
        "error_reason": None,
        "config_in": dict(overrides),
        "config_out": None,
        "inplace": True,
        "source": {"path": source, "inplace": True, "type": "local"},
        "local_path": source,
        "bytes": 0,
        "total_bytes": 0,
        "source_metadata": None,
        "download_parts": [],
        "error": None,
        "error_traceback": None,
    }
