"""The examples of `CONTRIBUTING.md`: each is added to the package as it stands there, and used to its end."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import mediate
from mediate.mediation import names
from mediate.mediation.costs import cost_of_map
from mediate.mediation.kinds import references
from mediate.mediation.kinds.ablation import ablation_effects
from mediate.mediation.kinds.state import chain_activations
from mediate.mediation.sequences import outcomes_under, sequences
from mediate.models.sites import Component, Site
from mediate.passes.interventions import Reference
from mediate.passes.sweeps.pace import Pace
from mediate.report import open_run, terminal, write_report
from mediate.results import kinds, total_effect
from tests import tiny
from tests.mediation.kinds.test_state import pair_of, whole
from tests.scoring.test_score import PAIRS

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```python\n# mediate/(\S+)\.py\n(.*?)```", TEXT, re.DOTALL))
LINES = dict(re.findall(r"```python\n# in \w+ of mediate/(\S+)\.py\n(.*?)```", TEXT, re.DOTALL))
LISTS = {"results/kinds": (kinds, "KINDS"), "mediation/names": (names, "OUTCOMES")}
LISTS["mediation/kinds/references"] = (references, "REFERENCES")


def added(patch: pytest.MonkeyPatch, file: str, to: str) -> Any:
    """Puts an example's file where it belongs, and its line into its list."""
    name = f"mediate.{file.replace('/', '.')}"
    module = ModuleType(name)
    patch.setitem(sys.modules, name, module)
    exec(compile(FILES[file], file, "exec"), vars(module))
    room, listed = LISTS[to]
    space = vars(room) | vars(module)
    exec(f"added = {LINES[to]}", space)
    patch.setattr(room, listed, (*getattr(room, listed), space["added"]))
    return space["added"]


def test_every_example_is_short_and_has_its_line() -> None:
    assert set(LINES) == set(LISTS)
    assert len(FILES) == 3
    assert all(text.count("\n") < 30 for text in (*FILES.values(), *LINES.values()))


def test_a_kind_and_an_outcome_are_used_to_their_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, maps = tiny.model("llama"), ["zeroed.z:step,layer"]
    with pytest.raises(mediate.InputError, match=r"no map 'zeroed\.z:step,layer'"):
        mediate.score(model, PAIRS[:2], maps=maps)
    with pytest.raises(mediate.InputError, match="no outcome 'lead'"):
        mediate.score(model, PAIRS[:2], outcomes=["lead"])
    added(monkeypatch, "mediation/kinds/zeroed", "results/kinds")
    lead = added(monkeypatch, "mediation/lead", "mediation/names")
    out = tmp_path / "run"
    choices = {"maps": maps, "outcomes": ["lead"], "control_pairs": 0, "store": False, "progress": False}
    scores = mediate.score(model, PAIRS[:2], out=out, **choices)
    (cube,) = scores.results.cubes
    assert cube.outcome == "lead"
    assert abs(total_effect(cube.y)).min() > 1e-3
    first = scores.results.maps[0]
    assert (first.kind, first.outcome, first.te) == ("zeroed.z", "lead", total_effect(cube.y)[0])
    assert abs(first.values).max() > 1e-4
    encoded = pair_of("llama")
    run = sequences(model, encoded, 1, [lead])
    assert len(run.readout.ids) == 1, "it takes no whole answers, so one row of readers is enough"
    cost = cost_of_map(model, encoded, names.parse_map(maps[0]), Pace(token_layer=1.0, block=0.0, tokens=64))
    assert cost.cells == len(encoded.traces[1].step_spans) * tiny.LAYERS
    assert "lead" in terminal(scores.results)
    page = write_report(out).read_text(encoding="utf-8")
    assert "Mean zeroed.z effect on lead by step and layer over 2 items" in page
    assert "the effect of setting that step to 0" in page
    again = open_run(out)
    np.testing.assert_array_equal(again.results.maps[0].values, first.values)


def test_a_reference_value_is_used_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    model, pair, outcomes = tiny.model("llama"), pair_of("llama"), [names.Outcome.LOGIT_DIFF]
    cell = whole(pair, (0,))
    with pytest.raises(mediate.InputError, match="no reference value 'first_token'; there are zero, mean"):
        ablation_effects(model, pair, [Component.RESID_PRE], [cell], outcomes, "first_token")
    added(monkeypatch, "mediation/kinds/first_token", "mediation/kinds/references")
    found = ablation_effects(model, pair, [Component.RESID_PRE], [cell], outcomes, "first_token")
    # By hand: the first token's stream written at every position of the chain.
    run, site = sequences(model, pair, 1, outcomes), Site(Component.RESID_PRE, 0)
    own = chain_activations(model, pair.context(1, 1), run.start, [Component.RESID_PRE])[site]
    value = own.new_zeros(int(run.ids.shape[1]), own.shape[1])
    value[run.start : run.stop] = own[0]
    patches = [(), cell.patches([Component.RESID_PRE], run.start, Reference.SOURCE)]
    y = outcomes_under(model, run, outcomes, patches, {(Reference.SOURCE, site): value})[0]
    assert found.effects[0, 0] == pytest.approx(y[0] - y[1], abs=1e-5)
    assert abs(found.effects[0, 0]) > 1e-3
