"""`ivk model`: the models of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from invokeai_py_client.cli.command_options import Session, command, group
from invokeai_py_client.cli.destroying import DryRunOption, YesOption, is_agreed
from invokeai_py_client.cli.render import Outcome, Table
from invokeai_py_client.cli.values import read_text

if TYPE_CHECKING:
    from invokeai_py_client.model.models import ModelInstall

app = group("model", "List, show, install and delete models.")

BaseOption = Annotated[
    Optional[str], typer.Option("--base", help="Architecture, such as sdxl.")
]
TypeOption = Annotated[
    Optional[str], typer.Option("--type", help="Such as main, lora or vae.")
]


@command(app, "list")
def list_models(
    session: Session,
    text: Annotated[
        str, typer.Argument(metavar="[TEXT]", help="Words to search for.")
    ] = "",
    base: BaseOption = None,
    model_type: TypeOption = None,
) -> Outcome:
    """List the installed models, or those that contain all words of TEXT."""
    repo = session.client.model_repo
    models = (
        repo.search_models(text, base=base, type=model_type)
        if text
        else repo.list_models(base=base, type=model_type)
    )
    rows = [(m.name, m.base, m.type, m.format, m.key) for m in models]
    view = Table(("NAME", "BASE", "TYPE", "FORMAT", "KEY"), rows)
    return Outcome(models, [view] if rows else ["no models"])


@command(app, "show")
def show(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="MODEL", help="Name, key or hash.")],
    base: BaseOption = None,
    model_type: TypeOption = None,
) -> Outcome:
    """Show the model with this name, key or hash."""
    model = session.client.model_repo.get_model(name, base=base, type=model_type)
    data = model.model_dump(mode="json")
    rows = [(key, value) for key, value in data.items() if value is not None]
    return Outcome(data, [Table(("KEY", "VALUE"), rows)])


@command(app, "install")
def install(
    session: Session,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A path on the server's machine, an address, or a repository of "
            "Hugging Face.",
        ),
    ],
    name: Annotated[
        Optional[str],
        typer.Option("--name", metavar="NAME", help="What to call it [its own name]."),
    ] = None,
    move: Annotated[
        bool,
        typer.Option(
            "--move", help="Move a file into the server's folder, not only refer to it."
        ),
    ] = False,
    access_token: Annotated[
        Optional[str],
        typer.Option(
            "--access-token",
            metavar="TOKEN",
            help="For sources that require one; @FILE reads it from a file.",
        ),
    ] = None,
    timeout: Annotated[
        Optional[float],
        typer.Option("--timeout", "-t", min=0, help="Seconds to wait [no limit]."),
    ] = None,
    wait: Annotated[
        bool,
        typer.Option("--wait/--no-wait", help="With --no-wait, print its number."),
    ] = True,
) -> Outcome:
    """Install a model and wait until the server has it.

    Ctrl-C ends the command; the installation goes on.
    """
    secret = None if access_token is None else read_text(access_token)
    job = session.client.model_repo.install_model(
        source, name=name, move=move, access_token=secret
    )
    if not wait:
        return Outcome({"job_id": job.job_id}, [str(job.job_id)])
    told: list[str] = []

    def tell(state: ModelInstall) -> None:
        line = _progress(state)
        if line not in told[-1:]:
            told.append(line)
            session.renderer.note(line)

    model = job.wait(timeout, on_progress=tell)
    return Outcome(model, [f"installed {model.name!r}: {model.key}"])


@command(app, "delete")
def delete(
    session: Session,
    names: Annotated[
        list[str], typer.Argument(metavar="MODEL...", help="Names, keys or hashes.")
    ],
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> Outcome:
    """Delete models. Files in the server's own folder are deleted with them."""
    repo = session.client.model_repo
    found = [repo.get_model(name) for name in names]
    what = f"delete {', '.join(repr(model.name) for model in found)} from the server"
    keys: list[Any] = [model.key for model in found]
    if not is_agreed(session, what, yes=yes, dry_run=dry_run):
        return Outcome({"would_delete": keys}, keys)
    for model in found:
        repo.delete_model(model)
        session.renderer.note(f"deleted {model.name}")
    return Outcome({"deleted": keys}, [f"deleted {len(keys)} models"])


def _progress(state: ModelInstall) -> str:
    done = state.fraction
    return str(state.status) if done is None else f"{state.status} {done:.0%}"
