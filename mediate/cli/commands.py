"""How commands are found, listed and refused: `-h`, help that is not cut, and one line on what was typed wrongly."""

import re
import sys
from difflib import get_close_matches
from typing import Any

from typer.core import TyperGroup

from mediate.cli.ending import Stopped, say

# Of every command, as a context's settings pass to those below it.
SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_QUOTED = re.compile(r"'([^']+)'")


class Commands(TyperGroup):
    """The commands, of which an interrupt is passed on; a command of two words goes before one of its first word."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        two = " ".join(args[:2])
        return (two, self.commands[two], args[2:]) if two in self.commands else super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            raise Stopped from interrupt

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """A row a command with its whole sentence, on as many lines as it takes."""
        shown = [(name, command) for name, command in self.commands.items() if not command.hidden]
        with formatter.section("Commands"):
            formatter.write_dl([(name, _first_sentence(command)) for name, command in shown])

    def main(self, args: Any = None, *, standalone_mode: bool = True, **extra: Any) -> Any:  # type: ignore[override]
        """Runs a command; what was typed wrongly is told on one line, where typer has three and a box."""
        if not standalone_mode:
            return super().main(args, standalone_mode=False, **extra)
        try:
            code = super().main(args, standalone_mode=False, **extra)
        except Exception as error:
            if not is_usage(error):
                raise
            tell_usage(error)
            code = 2
        sys.exit(code if isinstance(code, int) else 0)


def _first_sentence(command: Any) -> str:
    text = " ".join((command.short_help or command.help or "").split("\n\n")[0].split())
    return text.partition(". ")[0].rstrip(".") + "."


def is_usage(error: BaseException) -> bool:
    """Whether an error is typer's own, on what was typed; its class is in other places in other versions."""
    return hasattr(error, "format_message") and hasattr(error, "ctx")


def tell_usage(error: Any) -> None:
    """One line on what was typed wrongly, with the command whose help says what there is; or the help itself."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return
    told = (
        " ".join(error.format_message().split())
        .replace("Value error, ", "")
        .rstrip(".")
        .replace(". Did you", "; did you")
    )
    near = _meant(error, told)
    if near:
        told = f"{told.partition(' (Possible')[0]}; did you mean {near}?"
    path = error.ctx.command_path if error.ctx is not None else "mediate"
    say(f"{told[:1].lower()}{told[1:]}{'' if told.endswith('?') else ';'} {path} -h says what there is")


def _meant(error: Any, told: str) -> str | None:
    """The option or value that is most like what was typed; None where none is."""
    if getattr(error, "possibilities", None):
        hidden = {name for each in error.ctx.command.params if getattr(each, "hidden", False) for name in each.opts}
        return next(
            iter(get_close_matches(error.option_name, set(error.possibilities) - hidden, n=1, cutoff=0.3)), None
        )
    value, _, offered = told.partition(" is not one of ")
    typed = _QUOTED.findall(value)
    return next(iter(get_close_matches(typed[-1], _QUOTED.findall(offered), n=1)), None) if typed and offered else None
