"""`ivk queue`: jobs that run, wait or block others."""

from __future__ import annotations

import contextlib
from typing import Annotated, Any, Optional

import typer

from invokeai_py_client.cli.command_options import Session, command, group
from invokeai_py_client.cli.destroying import DryRunOption, YesOption, is_agreed
from invokeai_py_client.cli.errors import CliError
from invokeai_py_client.cli.render import Outcome, Table, picked

app = group("queue", "Show and watch the queue, pause it, cancel and retry jobs.")

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


@command(app, "watch")
def watch(
    session: Session,
    job: Annotated[
        Optional[int],
        typer.Argument(metavar="[JOB]", help="End when this job has ended."),
    ] = None,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="End when no job is left to run.")
    ] = False,
) -> Outcome:
    """Show a line whenever the queue changes, until Ctrl-C.

    With JOB, it says how many jobs are ahead of that one.
    """
    last = None
    told = None
    with contextlib.suppress(KeyboardInterrupt):
        repo = session.client.queue_repo
        for last in repo.watch_queue(job, until_idle=until_idle):
            if last.message != told:
                told = last.message
                session.renderer.say(told)
    if last is None:
        return Outcome({})
    data = {name: getattr(last.status.queue, name) for name in _COUNTED}
    return Outcome({**data, **picked(last, "message", "estimate")})


@command(app, "retry")
def retry(
    session: Session,
    jobs: Annotated[
        Optional[list[int]], typer.Argument(metavar="[JOB...]", help="Numbers of jobs.")
    ] = None,
    batch: Annotated[
        Optional[str],
        typer.Option("--batch", help="The failed and cancelled jobs of this batch."),
    ] = None,
) -> Outcome:
    """Run failed or cancelled jobs once more, as new jobs."""
    if bool(jobs) == (batch is not None):
        raise CliError("usage", "give either numbers of jobs or --batch")
    repo = session.client.queue_repo
    chosen: list[Any] = list(jobs or ())
    if batch is not None:
        chosen = repo.list_jobs(status=("failed", "canceled"), batch=batch)
    made = repo.retry_jobs(chosen) if chosen else []
    lines = [
        f"job {job.item_id} is job {job.retried_from_item_id} again" for job in made
    ]
    return Outcome(made, lines or ["no job has failed or was cancelled"])


@command(app, "prune")
def prune(
    session: Session, yes: YesOption = False, dry_run: DryRunOption = False
) -> Outcome:
    """Delete the records of jobs that have ended; their images stay."""
    repo = session.client.queue_repo
    counts = repo.get_queue_status().queue
    ended = counts.completed + counts.failed + counts.canceled
    what = f"delete the records of {ended} jobs that have ended"
    if not is_agreed(session, what, yes=yes, dry_run=dry_run):
        return Outcome({"would_delete": ended}, [f"{ended} jobs"])
    count = repo.prune_queue()
    return Outcome({"deleted": count}, [f"deleted {count} jobs"])


@command(app, "clear")
def clear(
    session: Session, yes: YesOption = False, dry_run: DryRunOption = False
) -> Outcome:
    """Cancel and delete every job of everyone, history included; images stay."""
    repo = session.client.queue_repo
    total = repo.get_queue_status().queue.total
    what = f"cancel and delete all {total} jobs of this queue"
    if not is_agreed(session, what, yes=yes, dry_run=dry_run):
        return Outcome({"would_delete": total}, [f"{total} jobs"])
    count = repo.clear_queue()
    return Outcome({"deleted": count}, [f"deleted {count} jobs"])
