"""`ivk queue`: what runs, what waits, what is in the way."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import typer

from invokeai_py_client.cli.commands import Session, command, group
from invokeai_py_client.cli.errors import CliError
from invokeai_py_client.cli.render import Outcome, Table

__all__ = ["app"]

app = group("queue", "Look at the queue, pause it, wait for it, cancel jobs.")

_COUNTED = ("pending", "in_progress", "waiting", "completed", "failed", "canceled")


@command(app, "status")
def status(session: Session) -> Outcome:
    """Count the jobs, and say why nothing moves when nothing does."""
    found = session.client.queue_repo.get_status()
    rows = [(name, getattr(found.queue, name)) for name in (*_COUNTED, "total")]
    view: list[Any] = [Table(("STATUS", "JOBS"), rows)]
    if not found.processor.is_started:
        view.append("the processor is paused")
    data = {**found.model_dump(mode="json"), "is_idle": found.is_idle}
    return Outcome(data, view, warnings=[found.why] if found.why else [])


@command(app, "list")
def list_jobs(
    session: Session,
    job_status: Annotated[
        Optional[str], typer.Option("--status", help="Such as pending or failed.")
    ] = None,
    batch: Annotated[Optional[str], typer.Option("--batch", help="A batch id.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 50,
) -> Outcome:
    """List the jobs that the queue still knows, newest first."""
    repo = session.client.queue_repo
    jobs = list(repo.list_jobs(status=job_status, batch_id=batch, limit=limit))
    rows = [
        (
            job.item_id,
            job.status,
            job.batch_id,
            job.destination,
            job.created_at and job.created_at.strftime("%Y-%m-%d %H:%M:%S"),
        )
        for job in jobs
    ]
    view = Table(("JOB", "STATUS", "BATCH", "DESTINATION", "CREATED (UTC)"), rows)
    return Outcome(jobs, [view] if rows else ["no jobs"])


@command(app, "show")
def show(
    session: Session,
    job: Annotated[int, typer.Argument(metavar="JOB", help="A job's number.")],
) -> Outcome:
    """Show one job with its error, if it has one."""
    found = session.client.queue_repo.get_job(job)
    data = found.model_dump(mode="json")
    rows = [
        (key, value)
        for key, value in data.items()
        if value is not None and key not in ("session", "workflow")
    ]
    return Outcome(data, [Table(("KEY", "VALUE"), rows)])


@command(app, "pause")
def pause(session: Session) -> Outcome:
    """Take no further jobs, of anybody; the running one finishes. For admins only."""
    found = session.client.queue_repo.pause()
    return Outcome(found, ["paused; `ivk queue resume` goes on"])


@command(app, "resume")
def resume(session: Session) -> Outcome:
    """Take jobs again. For admins only."""
    found = session.client.queue_repo.resume()
    return Outcome(found, ["the queue runs"])


@command(app, "wait")
def wait(
    session: Session,
    timeout: Annotated[
        Optional[float], typer.Option(min=0, help="Seconds; for ever without it.")
    ] = None,
) -> Outcome:
    """Wait until no job is pending, running or waiting."""
    found = session.client.queue_repo.wait_until_idle(timeout)
    counts = {name: getattr(found.queue, name) for name in _COUNTED}
    return Outcome(counts, ["no job is left to run"])


@command(app, "cancel")
def cancel(
    session: Session,
    jobs: Annotated[
        Optional[list[int]], typer.Argument(metavar="[JOB...]", help="Jobs' numbers.")
    ] = None,
    batch: Annotated[
        Optional[str], typer.Option("--batch", help="All jobs of this batch.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="The running job and all that are pending.")
    ] = False,
) -> Outcome:
    """Cancel jobs by number, by batch, or all; finished ones stay as they are."""
    if sum((bool(jobs), batch is not None, everything)) != 1:
        raise CliError("usage", "name jobs, or give --batch or --all")
    repo = session.client.queue_repo
    if batch is not None:
        count = repo.cancel_batch(batch)
        return Outcome({"canceled": count}, [f"cancelled {count} jobs"])
    if everything:
        # First what is pending, or the next job would start meanwhile.
        count = repo.cancel_all_except_current()
        current = repo.find_current_job()
        if current is not None:
            count += repo.cancel(current).status == "canceled"
        return Outcome({"canceled": count}, [f"cancelled {count} jobs"])
    ended = [repo.cancel(job) for job in jobs or ()]
    data = [{"item_id": job.item_id, "status": job.status} for job in ended]
    return Outcome(data, [f"job {job.item_id}: {job.status}" for job in ended])
