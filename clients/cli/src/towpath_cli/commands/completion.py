"""`towpath completion SHELL`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class
from towpath_sdk.errors import Bug

__all__ = ["completion"]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that teaches SHELL to complete this command, names on the server included.

    \b
    bash:  towpath completion bash >> ~/.bashrc
    zsh:   towpath completion zsh >> ~/.zshrc
    fish:  towpath completion fish > ~/.config/fish/completions/towpath.fish
    """
    script = get_completion_class(shell)
    if script is None:
        raise Bug(f"no completion for {shell}")
    root = click.get_current_context().find_root()
    click.echo(script(root.command, {}, "towpath", "_TOWPATH_COMPLETE").source())
