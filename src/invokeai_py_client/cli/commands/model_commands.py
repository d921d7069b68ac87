"""`ivk model`: the models of a server."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from invokeai_py_client.cli.command_options import Session, command, group
from invokeai_py_client.cli.render import Outcome, Table

app = group("model", "List and show the installed models.")

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
