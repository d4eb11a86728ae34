"""Measures of others in a run: asked for by name, kept in its directory, and what they say of models that are known."""

from pathlib import Path

import numpy as np
import pytest

import mediate as md
from mediate.errors import InputError
from mediate.faithfulness.spec import USUAL_MEASURES, BehaviourSpec, make_behaviour_spec

QUICK = {"maps": (), "control_pairs": 0, "edits": "truncated", "readings": "at_once", "progress": False}


def test_the_usual_ones_are_not_said_so_that_runs_from_before_are_the_same_runs() -> None:
    assert "measures" not in BehaviourSpec().described()
    assert "measures" not in make_behaviour_spec({"measures": "nldd,text"}).described()
    assert make_behaviour_spec({"measures": ["cmi", "text"]}).described()["measures"] == ["text", "cmi"]
    assert make_behaviour_spec({"measures": "none"}).measures == ()
    assert BehaviourSpec().measures == USUAL_MEASURES
    with pytest.raises(InputError, match="no measure 'nlld'; there are text, nldd, cmi, and none for none"):
        make_behaviour_spec({"measures": "nlld"})


def test_the_index_of_a_chain_that_is_read_and_of_one_that_is_not(tmp_path: Path) -> None:
    pairs = md.modular_pairs(2, seed=1, steps=2)
    base = md.faithfulness(md.load("reference-0.1m"), pairs, measures="cmi", out=tmp_path / "run", **QUICK)
    table = base.cmi()
    assert all(each.chain > 0.5 for each in base.results.spans)
    assert (table["published"] == 1).all()
    assert (table["cmi"] < 0.9).all()
    assert table["changed_by_control"].all()
    opened = md.open(tmp_path / "run")
    assert isinstance(opened, md.Faithfulness)
    assert opened.cmi().equals(table)
    assert opened.nldd().empty
    unread = md.faithfulness(md.load("reference-0.1m-decorative"), pairs, measures="cmi", store=False, **QUICK).cmi()
    assert unread["nats"].abs().max() < 0.01
    # Losses of no size are an index of 1 all the same, as published; here of no item there is any.
    assert np.isnan(unread["cmi"]).all()
    assert unread["changed_by_size"].all()
    assert (unread["published"] == 1).any()
