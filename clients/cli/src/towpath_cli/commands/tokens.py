"""`towpath tokens` and `towpath whoami`."""

from __future__ import annotations

import os
from pathlib import Path

import click
from towpath_sdk.errors import Conflict

from towpath_cli.commands.completion_names import token_names
from towpath_cli.render import access as render
from towpath_cli.render.messages import show, show_list
from towpath_cli.session import Session, with_session
from towpath_cli.units import parse_duration

__all__ = ["tokens", "whoami"]

_name = click.argument("name", shell_complete=token_names)


@click.command()
@with_session
def whoami(session: Session) -> None:
    """Show as whom the server takes you, and your role."""
    with session.client() as client:
        show(session, client.tokens.who_am_i(), render.caller)


@click.group()
def tokens() -> None:
    """Who may use the API, and as what; for admins."""


@tokens.command("list")
@with_session
def list_tokens(session: Session) -> None:
    """List tokens, those that have ended too."""
    with session.client() as client:
        show_list(session, "tokens", client.tokens.all(), render.tokens)


@tokens.command()
@_name
@with_session
def get(session: Session, name: str) -> None:
    """Show a token, without its secret."""
    with session.client() as client:
        show(session, client.tokens.get(name), render.token_details)


@tokens.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["viewer", "editor", "admin", "worker"]),
    required=True,
    help="viewer looks; editor changes and runs; admin also keeps connectors and tokens; worker is for workers.",
)
@click.option("--ttl", metavar="DURATION", help="How long it is good for, such as 12h or 90d.  [default: for ever]")
@click.option("--description", default="", help="What it is for.")
@click.option(
    "--secret-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the secret there, readable by you only, instead of showing it.",
)
@with_session
def create(session: Session, name: str, role: str, ttl: str | None, description: str, secret_file: Path | None) -> None:
    """Make a token and show its secret, this once.

    \b
    towpath tokens create ci --role editor --ttl 90d
    towpath tokens create worker-7 --role worker --secret-file worker.token
    """
    lifetime = parse_duration(ttl) if ttl else None
    # Opened before the token is made: a secret that could not be written would be lost.
    descriptor = None if secret_file is None else _open_secret(secret_file)
    try:
        with session.client() as client:
            made = client.tokens.create(name, role, description, lifetime)
    except BaseException:
        if descriptor is not None and secret_file is not None:
            os.close(descriptor)
            secret_file.unlink()
        raise
    if descriptor is None:
        show(session, made, render.new_token)
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(made.secret + "\n")
    show(session, made.token, render.token_details)
    session.note(f"the secret is in {secret_file}")


@tokens.command()
@_name
@with_session
def revoke(session: Session, name: str) -> None:
    """End a token for good; its name is not used again."""
    with session.client() as client:
        show(session, client.tokens.revoke(name), render.token_details)


def _open_secret(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Conflict(f"{path} exists; remove it, or write the secret elsewhere") from error
