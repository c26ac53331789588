"""What is judged, and by which checks: from the words of the command line to a target and a list of checks."""

from __future__ import annotations

import difflib
import functools
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import click
from click.shell_completion import CompletionItem
from towpath_sdk.errors import Misconfigured
from towpath_sdk.project import project_command

from towpath_conformance.registry import CHECKS, Check, Group
from towpath_conformance.targets import CommandTarget, EndpointTarget, Target

__all__ = ["CheckId", "TargetChoice", "chosen_checks", "target_options"]

F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True)
class TargetChoice:
    """The options that say what is judged, as they were given."""

    command: str | None = None
    endpoint: str | None = None
    token_file: Path | None = None
    image: str | None = None
    docker_network: str | None = None
    docker_volume: tuple[str, ...] = ()

    def over(self, earlier: TargetChoice | None) -> TargetChoice:
        """These options, or where none is given those that stood before the subcommand."""
        return earlier if earlier is not None and self == TargetChoice() else self

    def target(self) -> Target:
        """What they stand for; without any, the connector of the present folder.

        Raises click.UsageError, or Misconfigured when the token cannot be read.
        """
        given = [name for name in ("command", "endpoint", "image") if getattr(self, name) is not None]
        if len(given) > 1:
            some = " and ".join(f"--{name}" for name in given)
            raise click.UsageError(f"say what to judge: one of --command, --endpoint, --image, not {some}")
        if self.token_file is not None and self.endpoint is None:
            raise click.UsageError("--token-file is for --endpoint: whatever is started gets a token of its own")
        if (self.docker_network or self.docker_volume) and self.image is None:
            raise click.UsageError("--docker-network and --docker-volume are for --image")
        if self.image is not None:
            # Imported here: whoever judges a command needs no Docker.
            from towpath_conformance.targets.image import ImageTarget  # noqa: PLC0415

            return ImageTarget(self.image, self.docker_network, self.docker_volume)
        if self.endpoint is not None:
            return EndpointTarget(self.endpoint, self.token())
        return CommandTarget(_split(self.command)) if self.command is not None else _connector_here()

    def token(self) -> str | None:
        """The token of the endpoint; None when none was named."""
        if self.token_file is None:
            return None
        try:
            return self.token_file.read_text("utf-8").strip()
        except OSError as error:
            raise Misconfigured(f"cannot read the token file {self.token_file}: {error.strerror}") from error

    def words(self) -> list[str]:
        """The options again, for a command that repeats this one."""
        words: list[str] = []
        for name, value in (
            ("command", self.command),
            ("endpoint", self.endpoint),
            ("token-file", self.token_file),
            ("image", self.image),
            ("docker-network", self.docker_network),
            *(("docker-volume", volume) for volume in self.docker_volume),
        ):
            if value is not None:
                words += [f"--{name}", str(value)]
        return words


def target_options(command: F) -> F:
    """Add the options that say what is judged, and pass them as one `TargetChoice` named `target`."""
    options = (
        click.option("--command", metavar="'WORDS...'", help="Start the connector with this command."),
        click.option("--endpoint", metavar="ADDRESS", help="Judge what serves at host:port or unix:/path."),
        click.option(
            "--token-file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="File with the token that the endpoint demands.",
        ),
        click.option("--image", metavar="NAME", help="Start a container of this image."),
        click.option("--docker-network", metavar="NAME", help="Network of the container, such as host."),
        click.option(
            "--docker-volume", metavar="HOST:PATH[:ro]", multiple=True, help="Mount into the container; repeatable."
        ),
    )

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> object:
        given = {name: kwargs.pop(name) for name in TargetChoice.__dataclass_fields__}
        return command(*args, target=TargetChoice(**given), **kwargs)

    for option in reversed(options):
        run = option(run)
    return cast("F", run)


class CheckId(click.ParamType[Check]):
    """The id of a check; a shell completes it."""

    name = "check"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Check:
        """Find the check; says what was probably meant."""
        if isinstance(value, Check):
            return value
        found = CHECKS.get(str(value))
        if found is None:
            near = difflib.get_close_matches(str(value), CHECKS, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else "--list shows all"
            self.fail(f"there is no check {value}; {hint}", param, ctx)
        return found

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """All ids that begin so."""
        del ctx, param
        return [
            CompletionItem(one.id, help=one.asserts.replace("\n", " "))
            for one in CHECKS.values()
            if one.id.startswith(incomplete)
        ]


def chosen_checks(checks: Sequence[Check], groups: Sequence[str]) -> Sequence[Check] | None:
    """The named checks and all of the named groups, in the order of judgement; None when nothing was named."""
    if not checks and not groups:
        return None
    ids, wanted = {one.id for one in checks}, {Group(name) for name in groups}
    return [one for one in CHECKS.values() if one.id in ids or one.group in wanted]


def _connector_here() -> Target:
    try:
        project = project_command(Path())
    except Misconfigured as error:
        raise click.UsageError(
            f"say what to judge: one of --command, --endpoint, --image, or a connector's own folder ({error.message})"
        ) from error
    return CommandTarget(project.command, project.folder, project.environment)


def _split(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise click.UsageError(f"--command cannot be read: {error}") from error
    if not words:
        raise click.UsageError("--command is empty")
    return words
