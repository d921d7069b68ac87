"""`ivk queue`: jobs that run, wait or block others."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import typer

from invokeai_py_client.cli.command_options import Session, command, group
from invokeai_py_client.cli.errors import CliError
from invokeai_py_client.cli.render import Outcome, Table

app = group("queue", "Show the queue, pause it, wait for it, cancel jobs.")

_COUNTED = ("pending", "in_progress", "waiting", "completed", "failed", "canceled")


@command(app, "status")
def status(session: Session) -> Outcome:
    """Count the jobs by status; warn when no job can run, and why."""
    found = session.client.queue_repo.get_queue_status()
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
        Optional[str],
        typer.Option(
            "--status", help="Only jobs with this status, such as pending or failed."
        ),
    ] = None,
    batch: Annotated[
        Optional[str],
        typer.Option("--batch", help="Only jobs of the batch with this id."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 50,
) -> Outcome:
    """List the jobs in the queue, finished ones included, newest first."""
    repo = session.client.queue_repo
    jobs = repo.list_jobs(status=job_status, batch=batch, limit=limit)
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
    job: Annotated[
        int,
        typer.Argument(metavar="JOB", help="A job's number, from `ivk queue list`."),
    ],
) -> Outcome:
    """Show one job, with its error if it failed."""
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
    """Start no further jobs of anyone; the running one finishes. Admins only."""
    found = session.client.queue_repo.pause_processor()
    return Outcome(found, ["paused; `ivk queue resume` continues"])


@command(app, "resume")
def resume(session: Session) -> Outcome:
    """Start jobs again after a pause. Admins only."""
    return Outcome(session.client.queue_repo.resume_processor(), ["the processor runs"])


@command(app, "wait")
def wait(
    session: Session,
    timeout: Annotated[
        Optional[float], typer.Option(min=0, help="Seconds to wait [no limit].")
    ] = None,
) -> Outcome:
    """Wait until no job is pending, running or waiting."""
    found = session.client.queue_repo.wait_until_queue_idle(timeout)
    counts = {name: getattr(found.queue, name) for name in _COUNTED}
    return Outcome(counts, ["no job is left to run"])


@command(app, "cancel")
def cancel(
    session: Session,
    jobs: Annotated[
        Optional[list[int]], typer.Argument(metavar="[JOB...]", help="Numbers of jobs.")
    ] = None,
    batch: Annotated[
        Optional[str], typer.Option("--batch", help="All jobs of this batch.")
    ] = None,
    tag: Annotated[
        Optional[str],
        typer.Option("--tag", metavar="TAG", help="All jobs with this tag."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="The running job and all pending jobs.")
    ] = False,
) -> Outcome:
    """Cancel jobs by number, batch or tag, or all; finished jobs are not changed."""
    if sum((bool(jobs), batch is not None, tag is not None, everything)) != 1:
        raise CliError("usage", "give either numbers of jobs, --batch, --tag or --all")
    repo = session.client.queue_repo
    if batch is not None:
        count = repo.cancel_batch(batch)
    elif tag is not None:
        count = repo.cancel_tagged(tag)
    elif everything:
        # Pending jobs first, or the next one would start meanwhile.
        count = repo.cancel_pending_jobs()
        current = repo.find_current_job()
        if current is not None:
            count += repo.cancel_job(current).status == "canceled"
    else:
        ended = [repo.cancel_job(job) for job in jobs or ()]
        data = [{"item_id": job.item_id, "status": job.status} for job in ended]
        return Outcome(data, [f"job {job.item_id}: {job.status}" for job in ended])
    return Outcome({"canceled": count}, [f"cancelled {count} jobs"])
