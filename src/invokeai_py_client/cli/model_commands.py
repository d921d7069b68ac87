"""`ivk model`: the models of a server."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from invokeai_py_client.cli.commands import Session, command, group
from invokeai_py_client.cli.render import Outcome, Table

__all__ = ["app"]

app = group("model", "List the installed models, and show one.")

BaseOption = Annotated[
    Optional[str], typer.Option("--base", help="Architecture, such as sdxl.")
]
TypeOption = Annotated[
    Optional[str], typer.Option("--type", help="Such as main, lora or vae.")
]


@command(app, "list")
def list_models(
    session: Session,
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="Words to find.")] = "",
    base: BaseOption = None,
    model_type: TypeOption = None,
) -> Outcome:
    """List the installed models, or those in which all words of TEXT occur."""
    repo = session.client.model_repo
    models = (
        repo.find_models(text, base=base, type=model_type)
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
    """Show the one model that a name, key or hash means."""
    model = session.client.model_repo.resolve(name, base=base, type=model_type)
    data = model.model_dump(mode="json")
    rows = [(key, value) for key, value in data.items() if value is not None]
    return Outcome(data, [Table(("KEY", "VALUE"), rows)])
