"""The list of kinds: every line leads to the record that measures it, and every stored name is read back."""

import math
from pathlib import Path

import numpy as np
import pytest

from mediate.mediation.kinds import kind as kind_module
from mediate.mediation.kinds.kind import Kind, effect_map, kind_of
from mediate.mediation.names import OUTCOMES, USUAL, Outcome, at_home
from mediate.results.kinds import KINDS, RESULT, Direction, KindFacts, Method, View, parse_kind
from tests.mediation.kinds.test_read import contexts


@pytest.mark.parametrize("facts", KINDS, ids=lambda facts: facts.name)
def test_a_line_leads_to_its_record(facts: KindFacts) -> None:
    assert kind_of(facts).name == facts.name
    assert not facts.crossed or callable(at_home(facts.crossed))


def test_every_record_is_listed() -> None:
    """A file that ends in a record which no line names would never be measured."""
    listed = {facts.home for facts in KINDS}
    for path in Path(kind_module.__file__).parent.glob("*.py"):
        module = f"mediate.mediation.kinds.{path.stem}"
        text = path.read_text(encoding="utf-8")
        for line in text.splitlines():
            name, _, made = line.partition(" = ")
            if made.startswith("Kind("):
                assert f"{module}:{name}" in listed
                assert isinstance(at_home(f"{module}:{name}"), Kind)


def test_every_outcome_has_its_function() -> None:
    assert all(callable(at_home(outcome.home)) for outcome in OUTCOMES)
    assert [str(outcome) for outcome in USUAL] == ["logit_diff", "logprob_diff"]


STORED = {
    "read": {},
    "read.window3": {"window": 3},
    "knockout": {},
    "state.resid_pre.denoising.window2": {"part": "resid_pre", "direction": Direction.DENOISING, "window": 2},
    "state.k.adaptive": {"part": "k", "adaptive": True},
    "attribution.z": {"part": "z", "method": Method.ATP},
    "attribution.z.ig.denoising": {"part": "z", "method": Method.IG, "direction": Direction.DENOISING},
    "step_graph.state": {"part": "state", "may_have_gaps": True},
    "graft": {"may_have_gaps": False},
    "interaction": {"may_have_gaps": True},
    "cross.read.into_tuned": {"view": View.INTO_TUNED},
    "cross.state.z.window3.interaction.source": {"part": "z", "window": 3, "view": View.INTERACTION, "source": True},
    "logit_lens.source": {"unread": ("source",), "source": False},
    "cross.read": {"unread": ("read",), "view": None},
    "": {},
}


@pytest.mark.parametrize("text", STORED)
def test_a_stored_kind_is_taken_apart_and_put_together(text: str) -> None:
    found = parse_kind(text)
    assert str(found) == text
    for name, value in STORED[text].items():
        assert getattr(found, name) == value, name


def test_cells_with_outcomes_of_their_own_have_no_total_effect() -> None:
    pair = contexts("llama").pair
    coords = {"step": (0, 1), "result": (0, 1)}
    graph = effect_map(pair, "step_graph.read", coords, np.array([[np.nan, 1.0], [np.nan, np.nan]]), USUAL[0], 2.0)
    assert (graph.outcome, graph.dims) == (RESULT, ("step", "result"))
    assert math.isnan(graph.te)
    read = effect_map(pair, "read", {"layer": (0, 1)}, np.array([1.0, 2.0]), Outcome.LOGPROB_DIFF, 2.0)
    assert (read.outcome, read.te, read.item) == ("logprob_diff", 2.0, pair.id)
    with pytest.raises(ValueError, match="NaN or infinite"):
        effect_map(pair, "read", {"layer": (0, 1)}, np.array([1.0, np.nan]), Outcome.LOGIT_DIFF)
