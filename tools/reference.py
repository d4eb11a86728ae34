"""Writes the pages of reference: `docs/api.md` of the public names by group, `docs/commands.md` of the command line."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from typer.main import get_command

import mediate
from mediate.cli import app

DOCS = Path(__file__).parents[1] / "docs"
BY = "<!-- written by python -m tools.reference -->"
# Every public name, by what it is for.
GROUPS: Mapping[str, str] = {
    "Loading and measuring": "load score merge attribute prepare cross faithfulness",
    "Looking at what was measured": "open open_run Scores Attributed Faithfulness CrossScores",
    "Comparing runs": "compare Comparison StoredComparison",
    "Pairs and items": "Pair Item World read_pairs write_pairs read_items",
    "Built-in tasks": ("generate_pairs modular_pairs worded_pairs gsm_symbolic_pairs family_pairs few_shot_prompt"),
    "Models": "Model Template Component fetch",
    "One item by hand": "Prepared PreparedPair PreparedItem Receiver cot_activations Store",
    "Interventions": "Site Patch Write Knockout forward bridge_hooks",
    "Tuning": "tune open_tuned Tuning",
    "Chains to teach": "score_traces TraceScores join_tokens TokenJoin rsd RsdTraces",
    "Steering": "fit_steering steered SteeringVector",
    "Choices, records and errors": "ScoreSpec CrossResults read_crossed InputError ItemError",
}


def names() -> list[str]:
    """The public names in the order of the page."""
    return [name for group in GROUPS.values() for name in group.split()]


def api_page() -> str:
    """The page of public names; what it says of each is its docstring."""
    parts = [
        "# Python",
        BY,
        "`import mediate as md` loads neither torch nor a model; each name is imported when it is first used. Effects "
        "are in nats of the [outcome](numbers.md), steps and layers count from 0.",
        "The choices of a call stand in [options](options.md), too, with their defaults. In the examples `md` is "
        '`mediate`, `model` is `md.load("reference-0.1m")`, and `pairs` are `md.modular_pairs(4)`; those that take '
        "long, or need files, are marked `+SKIP` and shown alone.",
    ]
    for group, members in GROUPS.items():
        parts += [f"## {group}", *(f"```{{eval-rst}}\n{_directive(name)}\n```" for name in members.split())]
    return "\n\n".join(parts) + "\n"


def _directive(name: str) -> str:
    found = getattr(mediate, name)
    if not callable(found):  # a union of types
        return f".. autodata:: mediate.{name}\n   :no-value:"
    if not isinstance(found, type):
        return f".. autofunction:: mediate.{name}"
    return f".. autoclass:: mediate.{name}\n   :members:"


def commands_page() -> str:
    """The page of commands: what each does, its arguments and its options with their defaults."""
    parts = [
        "# Command line",
        BY,
        "Every command has `-h`. What it found goes to standard output; progress, remarks and errors go to standard "
        "error. A wrong input is one line and exit code 2; Ctrl-C is 130. `--json` is [described here](json.md), and "
        "`mediate --install-completion` sets up your shell.",
    ]
    for path, command in every(get_command(app)):
        parts += [f"## mediate {path}", _text(command.help or ""), *_tables(command)]
    return "\n\n".join(part for part in parts if part) + "\n"


def every(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Each command with its name, groups before what is in them."""
    for name, command in group.commands.items():
        yield f"{before}{name}", command
        if hasattr(command, "commands"):
            yield from every(command, f"{before}{name} ")


def _tables(command: Any) -> Iterator[str]:
    if hasattr(command, "commands"):
        return
    shown = [each for each in command.params if not getattr(each, "hidden", False) and each.name != "help"]
    arguments = [each for each in shown if each.param_type_name == "argument"]
    options = [each for each in shown if each.param_type_name != "argument"]
    if arguments:
        rows = [f"| `{each.name}` | {_text(each.help or '')} |" for each in arguments]
        yield "\n".join(["| argument | what it is |", "| --- | --- |", *rows])
    if options:
        rows = [f"| {_spelt(each)} | {_default(each)} | {_text(each.help or '')} |" for each in options]
        yield "\n".join(["| option | default | what it is |", "| --- | --- | --- |", *rows])


def _spelt(option: Any) -> str:
    return ", ".join(f"`{each}`" for each in (*option.opts, *option.secondary_opts))


def _default(option: Any) -> str:
    if option.required:
        return "needed"
    shown = option.show_default
    value = shown if isinstance(shown, str) else option.default if shown else None
    if value is None or value is False or callable(value):
        return ""
    return f"`{getattr(value, 'value', value)}`"


def _text(said: str) -> str:
    """A help text in Markdown: signs that it would read are escaped, and options are code."""
    plain = " ".join(said.split())
    marked = re.sub(r"(?<![\w`-])(--[a-z][a-z-]*)", r"`\1`", plain)
    return re.sub(r"([|<>{}*_\[\]])", r"\\\1", marked)


PAGES = {"api.md": api_page, "commands.md": commands_page}


if __name__ == "__main__":
    for name, written in PAGES.items():
        (DOCS / name).write_text(written(), encoding="utf-8")
