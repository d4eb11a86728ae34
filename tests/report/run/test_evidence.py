"""Copying, controls and agreement in the report, the terminal and the frames."""

from dataclasses import replace

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.report.analysis import analysis_of
from mediate.report.run.evidence import (
    agreement_rows,
    control_row,
    control_summaries,
    controls_section,
    copying_section,
    exactly,
    subset,
)
from mediate.report.run.figures import run_figures
from mediate.report.run.page import render_page, terminal
from mediate.report.run.scores import Scores
from mediate.results import EffectMap, Results
from mediate.results.agreement import Agreement
from mediate.results.controls import Control, Controlled
from tests.figures.records import fake_results
from tests.report.parse import parse
from tests.report.shown import said, table_in

pytestmark = pytest.mark.usefixtures("undrawn")


def full() -> Results:
    results = fake_results()
    names = [item.id for item in results.items[:3]]

    def trust(spearman: float, **more: float) -> Agreement:
        return Agreement(spearman, 0.95, 0.1, 1.0, 0.9, 32, 8, 0, **more)

    estimated = [
        replace(each, kind="attribution.resid_pre.ig", agreement=trust(spearman, completeness=gap))
        for each, spearman, gap in zip(results.maps[:3], (0.95, 0.8, 0.2), (0.1, -0.3, 0.2), strict=True)
    ]
    graph = EffectMap(
        np.array([[np.nan, 1.5, -0.5], [np.nan, np.nan, 0.25], [np.nan] * 3]),
        ("step", "result"),
        {"step": (0, 1, 2), "result": (0, 1, 2)},
        names[0],
        results.items[0].group,
        "step_graph.read",
        "result_logit_diff",
        1.0,
    )
    controls = [
        *(Controlled(name, name, Control.SELF_SOURCE, "logit_diff", 0.0, 3.0) for name in names),
        Controlled(names[0], names[0], Control.AFTER_READERS, "logit_diff", 2e-9, 3.0),
        Controlled(names[0], names[0], Control.SAME_ANSWER, "logit_diff", reason="no <b>other</b> item"),
        *(Controlled(name, name, Control.RANDOM_WEIGHTS, "logit_diff", 0.01, 3.0, rank=0.1) for name in names),
    ]
    manifest = dict(results.manifest)
    manifest["counts"] = dict(manifest.get("counts", {})) | {"not_cut": {"not_stated": 2, "reader": 1}}
    return replace(
        results,
        manifest=manifest,
        maps=(*results.maps, *estimated, graph),
        controls=tuple(controls),
        cut=tuple(subset(cube, names[1:]) for cube in results.cubes),
    )


@pytest.fixture(scope="module")
def results() -> Results:
    return full()


def test_estimates_stand_beside_their_agreement(results: Results) -> None:
    (row,) = said(agreement_rows(results))
    assert (row["estimate"], row["items"], row["cells"]) == ("attribution.resid_pre.ig:step,layer", "3", "32 + 8")
    assert row["rank correlation"] == "0.80 [0.20, 0.95]"
    assert (row["same sign (%)"], row["missed mass (%)"], row["gap (nats)"]) == ("95 [95, 95]", "10 [10, 10]", "0.200")
    assert row["verdict (items)"] == "reliable 1, ranking only 1, unreliable 1"
    captions = [
        each.caption for each in run_figures(results) if each.name.startswith("steps") and "resid_pre" in each.alt
    ]
    assert captions
    assert all(
        "against exact patching, over the items: reliable 1, ranking only 1, unreliable 1" in each for each in captions
    )


def test_both_columns_of_copying_are_of_the_same_items(results: Results) -> None:
    told = copying_section(results)
    rows = said(table_in(told))
    assert [row["channel"] for row in rows] == ["direct", "text", "latent", "mediated"]
    assert all(row["whole chain"] == row["cut before the answer"] for row in rows), (
        "this fixture's cut cubes are the whole ones"
    )
    basis = told.blocks[-1].words
    assert "n = 2 items" in basis
    assert basis.endswith(
        " Not cut: a chain does not state its answer: 2; the tokens before the two statements differ: 1."
    )
    assert table_in(copying_section(replace(results, cut=()))) is None


def test_the_contents_say_of_how_many_items_chains_were_cut(results: Results) -> None:
    whole = results.cubes[0]
    few = replace(results, cut=(subset(whole, whole.items[:1]),))
    assert copying_section(few).found.endswith(f", n = 1 of {len(results.items)} items")
    assert copying_section(replace(results, cut=(whole,))).found.endswith(")")


def controls(results: Results) -> dict[str, dict[str, str]]:
    """What is said of each control, by its name."""
    told = [control_row(each) for each in control_summaries(results, analysis_of(results))]
    return {row["name"]: row for row in told}


def test_controls_say_what_held_and_what_broke(results: Results) -> None:
    rows = controls(results)
    assert (rows["self source"]["verdict"], rows["self source"]["size"]) == ("is 0", "0")
    assert (rows["after readers"]["verdict"], rows["after readers"]["largest"]) == ("BROKEN", "2.0e-09")
    assert (rows["same answer"]["size"], rows["same answer"]["refused"]) == ("not measured", "1")
    assert rows["random weights"]["extra"].startswith("rank correlation 0.10")
    typed = terminal(results, width=200)
    assert "control: self source: 0 nats, real effect 3.00, n = 3; must be 0: it is" in typed
    assert "control: after readers: 2.0e-09 nats, real effect 3.00, n = 1; must be 0: BROKEN, up to 2.0e-09" in typed
    assert "control: same answer: refused (no <b>other</b> item)" in typed


def test_a_control_on_one_pair_tells_nothing(results: Results) -> None:
    name = results.items[0].id
    one = [
        Controlled(name, name, Control.SELF_SOURCE, "logit_diff", 0.0, 3.0),
        Controlled(name, name, Control.RANDOM_POSITIONS, "logit_diff", 0.1, 3.0, p=0.05, draws=20),
        Controlled(name, name, Control.SHUFFLED_STEPS, "logit_diff", 0.04, 3.0),
        Controlled(name, name, Control.RANDOM_WEIGHTS, "logit_diff", 0.01, 3.0, rank=0.9),
        Controlled(results.items[1].id, "g", Control.SHUFFLED_STEPS, "logit_diff", reason="one step"),
    ]
    few = replace(results, controls=tuple(one))
    rows = controls(few)
    for control in ("random positions", "shuffled steps", "random weights"):
        row = rows[control]
        assert (row["verdict"], row["extra"]) == ("one pair tells nothing", "")
        assert (row["size"], row["beside"], row["largest"], row["size_interval"], row["n"]) == ("", "", "", "", "1")
    assert rows["self source"]["verdict"] == "is 0, but one pair tells nothing"
    typed = terminal(few, width=200)
    assert "control: shuffled steps: one pair tells nothing; refused on 1\n" in typed
    assert "control: random weights: one pair tells nothing\n" in typed
    assert "control: random positions: one pair tells nothing\n" in typed
    assert "must be 0: it is, but one pair tells nothing" in typed
    assert "0.90" not in typed


def test_a_controls_p_says_what_it_should_be(results: Results) -> None:
    drawn = [
        Controlled(item.id, item.group, Control.RANDOM_POSITIONS, "logit_diff", 0.5, 3.0, p=p)
        for item, p in zip(results.items, (0.05, 0.05, 0.2), strict=False)
    ]
    said = controls(replace(results, controls=tuple(drawn)))["random positions"]["extra"]
    assert said == "median p 0.05 (near 0 where the real effect is larger than that of random draws)"


def test_why_a_control_was_refused_is_a_sentence_of_its_own(results: Results) -> None:
    *two, last = results.items
    measured = [
        Controlled(each.id, each.group, Control.RANDOM_POSITIONS, "logit_diff", 0.5, 3.0, p=0.05) for each in two
    ]
    refused = [
        Controlled(last.id, last.group, each, "logit_diff", reason="step 0 is too long")
        for each in (Control.RANDOM_POSITIONS, Control.SAME_ANSWER)
    ]
    rows = said(table_in(controls_section(replace(results, controls=(*measured, *refused)))))
    found = {row["control"]: row["found"] for row in rows}
    assert found["random positions"].endswith("than that of random draws). Refused: step 0 is too long")
    assert found["same answer"] == "Refused: step 0 is too long"


def test_the_page_holds_all_of_it_escaped(results: Results) -> None:
    html = render_page(results)
    page = parse(html)
    heads = [table[0] for table in page.tables]
    for wanted in ("rank correlation", "cut before the answer", "what is done"):
        assert sum(wanted in head for head in heads) == 1
    assert "Refused: no <b>other</b> item" in page.text
    assert "<b>other" not in html
    graphs = [each for each in run_figures(results) if each.name.startswith("step_graph")]
    assert [each.name for each in graphs] == ["step_graph-read", "step_graph-read-arcs"]
    assert "from step 0 to step 1, 1.50 nats" in graphs[0].alt
    assert "step_graph.read" not in " ".join(text for text in page.text.split("\n") if "not drawn here" in text)


def test_what_steps_do_together_is_drawn_and_summed(results: Results) -> None:
    """Sums of single effects are told beside TIE, of the kinds whose cells together are TIE."""
    item, group = results.items[0].id, results.items[0].group
    graft = EffectMap(np.array([1.0, 3.0]), ("step",), {"step": (0, 1)}, item, group, "graft", "logit_diff", 3.0)
    pair = EffectMap(
        np.array([[np.nan, -2.0], [np.nan, np.nan]]),
        ("step", "later"),
        {"step": (0, 1), "later": (0, 1)},
        item,
        group,
        "interaction",
        "logit_diff",
        3.0,
    )
    more = replace(results, maps=(*results.maps, graft, pair))
    figures = {each.name: each for each in run_figures(more)}
    assert "of all steps 3.00 nats" in figures["grafts"].alt
    assert "largest: steps 0 and 1, −2.00 nats" in figures["interactions"].alt
    assert not {"grafts", "interactions"} & {each.name for each in run_figures(results)}
    text = parse(render_page(more)).text
    assert "not drawn here: graft" not in text
    assert "not drawn here: interaction" not in text
    reads = [each for each in results.maps if each.kind == "read" and each.outcome == "logit_diff"]
    cube = results.cube("logit_diff")
    tie = cube.y[:, 1, 1, 1] - cube.y[:, 1, 0, 0]
    share = sum(each.values.sum() for each in reads) / sum(tie[cube.items.index(each.item)] for each in reads)
    assert f"the cells' effects sum to {100 * share:.0f}\xa0%" in figures["steps-read"].caption
    estimated = next(each for each in figures.values() if "estimate" in each.caption)
    assert "sum to" not in estimated.caption
    scores = Scores(more)
    from matplotlib.figure import Figure

    assert scores.plot.grafts(ax=Figure().subplots()).get_lines()
    assert [each.get_text() for each in scores.plot.interactions(ax=Figure().subplots()).texts] == ["−2.00"]
    with pytest.raises(InputError, match="graft:step"):
        Scores(results).plot.grafts()
    with pytest.raises(InputError, match="interaction:step,later"):
        Scores(results).plot.interactions()


def test_a_run_without_them_says_so() -> None:
    text = parse(render_page(replace(fake_results(), controls=(), cut=()))).text
    assert "This run has no estimated maps; every map is exact." in text
    assert "No chain could be cut before its answer." in text
    assert "No controls were run on this run's items." in text


def test_the_same_as_frames_and_figures(results: Results) -> None:
    scores = Scores(results)
    assert len(scores.controls()) == len(results.controls)
    assert set(scores.agreements()["verdict"]) == {"reliable", "ranking only", "unreliable"}
    assert set(scores.before_answer()["item"]) == {item.id for item in results.items[1:3]}
    from matplotlib.figure import Figure

    ax = scores.plot.graph(ax=Figure().subplots())
    assert sorted(text.get_text() for text in ax.texts) == ["0.25", "1.50", "−0.50"]
    with pytest.raises(InputError, match=r"score with maps=\['step_graph.state:step,result'\]"):
        scores.plot.graph("step_graph.state")


@pytest.mark.parametrize(("value", "words"), [(0.0, "0"), (1e-9, "1.0e-09"), (-0.004, "−4.0e-03"), (0.5, "0.50")])
def test_nothing_is_not_what_rounds_to_nothing(value: float, words: str) -> None:
    assert exactly(value) == words
