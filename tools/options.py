"""Writes the tables of options in `docs/options.md`, between its two markers, from the fields of the specifications."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from mediate.choices import bounds, fields_of, named
from mediate.compare import Settings
from mediate.distill.join_spec import JoinSpec
from mediate.distill.rsd_spec import RsdSpec
from mediate.distill.spec import TraceSpec
from mediate.distill.steering_spec import SteerSpec
from mediate.faithfulness.spec import BehaviourSpec
from mediate.holding.spec import HoldSpec
from mediate.models.load_spec import LoadSpec
from mediate.scoring.cross_spec import CrossSpec
from mediate.scoring.engine_spec import EngineSpec
from mediate.scoring.spec import ScoreSpec
from mediate.tuning.spec import TuneSpec
from tools.marked import Part

PAGE = Path(__file__).parents[1] / "docs" / "options.md"
PART = Part("options", "python -m tools.options")
START, END = PART.start, PART.end
TABLES: Mapping[str, tuple[type, str]] = {
    "Loading a model": (
        LoadSpec,
        "`md.load`; of `mediate score` all but `copy`, of `mediate cross` the first four, of `mediate check` `dtype`",
    ),
    "Scoring": (ScoreSpec, "`md.score` and `mediate score`"),
    "Where it is computed": (
        EngineSpec,
        "`md.score` and `mediate score`; changes no number, see [batch](batch.md)",
    ),
    "Its directory": (
        HoldSpec,
        "all calls and commands that measure or tune into a directory, and `md.merge`; changes no number",
    ),
    "Tests on behaviour": (
        BehaviourSpec,
        "`md.faithfulness` and `mediate faithfulness`; all of scoring beside",
    ),
    "Crossing two checkpoints": (
        CrossSpec,
        "`md.cross` and `mediate cross`; all of scoring but `maps`, `against`, `others`, `control_pairs`, "
        "`replacements`, `keep`, `answer` and `bridge` beside",
    ),
    "Comparing runs": (Settings, "`md.compare`; all but the last two `mediate compare`"),
    "Scoring traces": (
        TraceSpec,
        "`md.score_traces` and `mediate traces score`; `template`, `answer_cue`, `on_bad_item`, `seed`, `level` and "
        "how chains are written beside, as of scoring",
    ),
    "Joining tokens": (
        JoinSpec,
        "`md.join_tokens` and `mediate traces join`; `min_te`, `solved_only` and what scoring traces shares with "
        "scoring beside",
    ),
    "Reverse speculative decoding": (RsdSpec, "`md.rsd` and `mediate traces rsd`"),
    "Fitting a steering vector": (
        SteerSpec,
        "`md.fit_steering` and `mediate steer fit`; `template`, `answer_cue`, `on_bad_item`, `seed` and how chains are "
        "written beside, as of scoring",
    ),
    "Tuning": (TuneSpec, "`md.tune`; of `mediate tune ARM` those that the arm heeds"),
}


def tables() -> str:
    """The tables, a heading each."""
    return "\n".join(
        f"## {name}\n\nOf {where}.\n\n{table(fields_of(spec))}\n" for name, (spec, where) in TABLES.items()
    )


def table(fields: Mapping[str, FieldInfo]) -> str:
    """A row a choice."""
    head = "| choice | default | what it is |\n| --- | --- | --- |"
    rows = [f"| `{name}` | {default(field)} | {said(field)} |" for name, field in fields.items()]
    return "\n".join([head, *rows])


def default(field: FieldInfo) -> str:
    """What a choice is where it is not given; empty where that is told in words."""
    value: Any = field.default
    if isinstance(value, tuple):
        return ", ".join(f"`{each}`" for each in value)
    value = getattr(value, "name", value)
    if value is None or value == "":
        return ""
    return f"`{value!r}`" if isinstance(value, str) and "\n" in value else f"`{value}`"


def said(field: FieldInfo) -> str:
    """The sentence of a choice, with what it may be."""
    limits = bounds(field) or ", ".join(f"`{name}`" for name in named(field))
    text = (field.description or "").replace("|", "\\|")
    return f"{text.removesuffix('.')} ({limits})." if limits else text


def page(before: str) -> str:
    """The page with its tables written anew."""
    return PART.written(before, tables(), PAGE.name)


if __name__ == "__main__":
    PART.write(PAGE, tables())
