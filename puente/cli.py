"""The `puente` command.

Subcommands are found by name when they are used, so that none of them costs another one its
start, and so that this package imports neither of the others.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from typing import Any, NoReturn

import click

from puente import orphan
from puente.planfields import PlanError
from puente.settings import SettingsError


@dataclass(frozen=True)
class Entry:
    """Where a command lives, and what the list of commands says about it."""

    where: str
    does: str


COMMANDS = {
    "up": Entry("puente.up:up", "Start servers, gateway, engine, desk and dashboard here."),
    "load": Entry("puente.load:load", "Load plan files into the running Puente."),
    "simulate": Entry("ingest.simulator.cli:main", "Send the telemetry of simulated freight."),
    "replay": Entry("ingest.replay:replay", "Run recorded deliveries through every rule."),
    "bench": Entry("benchmarks.cli:bench", "Measure this machine against a plain worker."),
}


class Puente(click.Group):
    """Lists commands without importing them; says errors in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order in which people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, name = entry.where.partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.does) for name, entry in COMMANDS.items()])

    def main(self, *args: Any, **extra: Any) -> Any:  # noqa: ANN401 - click's own signature
        """Run, and turn expected errors into one line: what is wrong; what to do."""
        # The simulator of a demo is this command too.
        orphan.exit_with_parent()
        extra.update(standalone_mode=False, prog_name="puente")
        try:
            code = super().main(*args, **extra)
        except click.Abort:
            _fail("interrupted", 130)
        except click.UsageError as error:
            _fail(f"{error.format_message()}{_where(error)}", error.exit_code)
        except click.ClickException as error:
            _fail(error.format_message(), error.exit_code)
        except SettingsError as error:
            _fail(f"{error}; correct or unset it", 2)
        except PlanError as error:
            for problem in error.problems:
                click.echo(f"puente: {problem}", err=True)
            _fail(f"the plan was not loaded; correct {_count(error.problems)} above", 1)
        except Exception as error:
            if not _says_redis_is_away(error):
                raise
            _fail(f"Redis cannot be reached ({error}); start 'puente up' or correct REDIS_URL", 1)
        sys.exit(code if isinstance(code, int) else 0)


def _says_redis_is_away(error: Exception) -> bool:
    from puente.store.connection import StoreUnavailable  # noqa: PLC0415 - only when failing

    return isinstance(error, StoreUnavailable)


def _count(problems: Sequence[str]) -> str:
    return "the problem" if len(problems) == 1 else f"the {len(problems)} problems"


def _where(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx is not None else "puente"
    return f" See '{path} --help'."


def _fail(message: str, code: int) -> NoReturn:
    click.echo(f"puente: {message}", err=True)
    sys.exit(code)


def _version() -> str:
    try:
        return metadata.version("puente")
    except metadata.PackageNotFoundError:
        return "(not installed)"


@click.group(cls=Puente, epilog="Example: puente up --demo", no_args_is_help=True)
@click.version_option(_version(), prog_name="puente")
def main() -> None:
    """Control tower for freight that crosses the US-Mexico border."""


if __name__ == "__main__":
    main()
