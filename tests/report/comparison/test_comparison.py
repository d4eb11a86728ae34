"""A comparison as a user meets it: tables, page, folder and command."""

import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot

from mediate.compare.quantities import EFFECTS, SHARES
from mediate.errors import InputError
from mediate.figures import detached
from mediate.figures.one_axis import SHARED
from mediate.report.comparison.comparison import Comparison, compare
from mediate.report.comparison.figures import comparison_figures
from mediate.report.html import page_script
from mediate.results import Results
from tests.compare import made
from tests.compare.asked import FEW
from tests.report.parse import Page, parse

HOSTILE = "<script>alert('x')</script>\u202e"
FLAT = np.full((2, 4), 0.05)


def peaked() -> np.ndarray:
    profile = FLAT.copy()
    profile[1, 2] += 0.1
    return profile


def square() -> dict[str, Results]:
    return {
        "before": made.run(profile=FLAT),
        "reads": made.run(made.A, (0.2, 0.7, 0.1), writer=made.B, seed=1, profile=FLAT),
        "tuned": made.run(made.B, (0.3, 0.6, 0.1), writer=made.A, seed=2, profile=peaked()),
        "after": made.without(
            made.run(made.B, (0.5, 0.4, 0.1), seed=3, profile=peaked()), "i0003", rejected="not_solved"
        ),
    }


def sizes(count: int = 4) -> dict[str, Results]:
    return {
        f"m{place}": made.run(
            f"model-{place}", (0.1 + 0.1 * place, 0.8 - 0.1 * place, 0.1), given=True, parameters=10 ** (6 + place),
            layers=4 + place, profile=np.full((2, 4 + place), 0.05), seed=place,
        )
        for place in range(count)
    }  # fmt: skip


def test_weights_that_were_quantised_are_told_with_each_run(tmp_path: Path) -> None:
    runs = [made.run(), made.run(made.B)]
    runs[1].manifest["model"]["weights"] = "4-bit GGUF, Q4_1"
    compared = compare(runs, labels=["whole", "small"], **FEW)
    page = compared.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "float32 (from 4-bit GGUF, Q4_1)" in parse(page).text
    assert list(compared.runs()["weights"].fillna("")) == ["", "4-bit GGUF, Q4_1"]


@pytest.fixture(scope="module")
def crossed() -> Comparison:
    runs = square()
    return compare(list(runs.values()), labels=list(runs), **FEW)


@pytest.fixture(scope="module")
def ladder() -> Comparison:
    runs = sizes()
    return compare(list(runs.values()), labels=list(runs), **FEW)


@pytest.fixture(scope="module")
def page(crossed: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return parse(crossed.to_html(tmp_path_factory.mktemp("page") / "x.html").read_text(encoding="utf-8"))


def number_in(cell: str) -> float:
    return float(cell.replace("−", "-").replace("points", "").strip().removesuffix("%").strip())


def test_tables_have_a_row_a_thing(crossed: Comparison) -> None:
    assert crossed.design == "reader x writer"
    assert len(crossed.shares()) == 4 * len(SHARES)
    assert len(crossed.effects()) == 4 * len(EFFECTS)
    assert len(crossed.differences()) == 3 * (len(SHARES) + len(EFFECTS))
    assert len(crossed.split()) == 8 * (len(SHARES) + len(EFFECTS))
    assert len(crossed.ladder()) == 0
    items = crossed.items()
    assert items["status"].value_counts().to_dict() == {"shared": 23, "rejected": 1}
    assert items.iloc[-1].to_dict() == {
        "item": "i0003", "run": "after", "status": "rejected", "code": "not_solved", "reason": "not_solved it is"
    }  # fmt: skip
    runs = crossed.runs().set_index("run")
    assert runs["writer"].to_dict() == {"before": made.A, "reads": made.B, "tuned": made.A, "after": made.B}
    row = crossed.shares().set_index(["run", "quantity"]).loc[("before", "mediated")]
    assert row["value"] == pytest.approx(0.9, abs=0.01)
    assert (row["n"], row["unit"]) == (23, "share of TE")
    assert "mixed" not in crossed.shares()


def test_map_tables_name_depth_and_step(ladder: Comparison) -> None:
    maps = ladder.maps()
    assert set(maps["scope"]) == {"by layer", "by step", "by cell"}
    layer = maps[(maps["scope"] == "by layer") & (maps["run"] == "m3")]
    np.testing.assert_allclose(layer["depth"], [0.125, 0.375, 0.625, 0.875])
    assert layer["step"].isna().all()
    assert layer["regridded"].all()
    np.testing.assert_allclose(layer["here"] - layer["there"], layer["difference"])
    assert ladder.ladder()["slope"].iloc[0] == pytest.approx(0.1)


def test_json_says_what_the_tables_say(crossed: Comparison) -> None:
    content = json.loads(crossed.to_json())
    assert content["design"] == "reader x writer"
    assert content["counts"] == {
        "shared": 23, "groups": 8, "dropped": 1,
        "by_reason": [{"run": "after", "status": "rejected", "code": "not_solved", "items": 1}],
    }  # fmt: skip
    assert [row["value"] for row in content["shares"]] == crossed.shares()["value"].tolist()
    assert [row["verdict"] for row in content["differences"]] == crossed.differences()["verdict"].tolist()
    assert content["mixed"] == []
    assert content["not_computed"]["ladder"].startswith("a ladder needs")
    # The interaction is 0 in every item, and has no p value.
    assert {row["p"] for row in content["differences"] if row["quantity"] == "interaction"} == {None}


def test_the_page_has_the_numbers(crossed: Comparison, page: Page) -> None:
    shares = crossed.shares().set_index(["run", "quantity"])["value"]
    table = next(each for each in page.tables if each[0][1:5] == list(SHARES))
    for row in table[1:]:
        for name, cell in zip(SHARES, row[1:5], strict=True):
            assert number_in(cell.split("[")[0]) == pytest.approx(100 * shares[row[0], name], abs=0.051)
    differences = crossed.differences()
    table = next(each for each in page.tables if each[0][-1] == "verdict")
    assert [row[-1] for row in table[1:]] == differences["verdict"].tolist()
    for row, (_, wanted) in zip(table[1:], differences.iterrows(), strict=True):
        scale = 100 if wanted["kind"] == "share" else 1
        assert number_in(row[2]) == pytest.approx(scale * wanted["value"], abs=0.051)
    split = crossed.split()
    split = split[split["kind"] == "share"].pivot(index="quantity", columns="part", values="value")
    table = next(each for each in page.tables if each[0][1] == "total")
    found = {row[0].removesuffix(" share"): [number_in(cell.split("[")[0]) for cell in row[1:]] for row in table[1:5]}
    for name in SHARES:
        wanted = [100 * split.loc[name, part] for part in table[0][1:]]
        assert found[name] == pytest.approx(wanted, abs=0.051)


def test_the_page_runs_nothing_and_every_class_has_a_style(page: Page) -> None:
    assert page.scripts == [page_script()]
    assert not {"link", "iframe", "object", "form"} & {tag for tag, _ in page.elements}
    assert all(src.startswith("data:image/svg+xml;base64,") for src in page.attributes("img", "src"))
    assert not [attrs for _, attrs in page.elements if "style" in attrs]
    used = {name for _, attrs in page.elements for name in (attrs.get("class") or "").split()}
    assert used <= set(re.findall(r"\.([a-z][\w-]*)", page.styles[0]))


def test_the_page_names_what_was_dropped_and_what_was_not_computed(page: Page) -> None:
    assert "23 items shared by all runs, 1 dropped." in page.text
    assert ["rejected in after (not_solved)", "1"] in next(
        each for each in page.tables if each[0] == ["reason", "items"]
    )
    assert "Ladder of sizes: a ladder needs 3 sizes, and there are 1." in page.text
    assert "Steps are summed: the chains of the runs do not have the same steps" in page.text


def test_figures_are_described(ladder: Comparison, tmp_path: Path) -> None:
    shown = parse(ladder.to_html(tmp_path / "x.html").read_text(encoding="utf-8"))
    alts = shown.attributes("img", "alt")
    assert len(alts) == 4  # changes, ladder, depth, and the maps of all runs
    assert alts[0].startswith("Mediated share of logit_diff in each run: m0 90")
    assert "slopes for ten times the parameters: direct +0.100" in alts[1]


def test_kinds_of_map_by_depth_have_one_value_axis() -> None:
    def with_another(results: Results) -> Results:
        other = (replace(each, kind="state.mlp_out", values=2 * each.values) for each in results.maps)
        return replace(results, maps=(*results.maps, *other))

    compared = compare([with_another(each) for each in square().values()], labels=[*square()], **FEW)
    depths = [each for each in comparison_figures(compared.compared) if each.name.startswith("depth-")]
    assert [each.name for each in depths] == ["depth-read", "depth-state.mlp_out"]
    limits = []
    for each in depths:
        assert each.caption.endswith(SHARED)
        with detached(each.size) as (_, ax):
            each.draw(ax=ax)
        limits.append(ax.get_ylim())
    assert limits[0] == limits[1]
    shown = compared.plot.layers.data("state.mlp_out")
    assert limits[0][0] < shown["low"].min()
    assert limits[0][1] > shown["high"].max()


@pytest.mark.parametrize("name", ["shares", "changes", "ladder", "layers", "steps"])
def test_each_plot_draws_on_given_axes_and_on_its_own(ladder: Comparison, name: str) -> None:
    plot = getattr(ladder.plot, name)
    with detached((7.0, 4.0)) as (_, ax):
        assert plot(ax=ax) is ax
    assert ax.has_data()
    assert len(plot.data())
    own = plot()
    pyplot.close(own.figure)


def test_the_plot_by_step_shows_the_cells_of_its_run(ladder: Comparison) -> None:
    with detached((7.0, 4.0)) as (_, ax):
        ladder.plot.steps("m2", ax=ax)
        shown = np.asarray(ax.images[0].get_array())
    maps = ladder.maps()
    wanted = maps[(maps["scope"] == "by cell") & (maps["run"] == "m2")]
    np.testing.assert_allclose(shown, wanted["difference"].to_numpy().reshape(2, 4))
    np.testing.assert_allclose(ladder.plot.steps.data("m2")["difference"], wanted["difference"])
    assert set(ladder.plot.maps.data()["run"]) == {run.label for run in ladder.compared.runs}


def test_the_plot_by_step_does_not_depend_on_the_order_of_the_axes(ladder: Comparison) -> None:
    turned = [
        replace(run, maps=tuple(replace(each, values=each.values.T, dims=("layer", "step")) for each in run.maps))
        for run in sizes(2).values()
    ]
    found = compare(turned, labels=["m0", "m1"], **FEW)
    images = []
    for each in (ladder, found):
        with detached((7.0, 4.0)) as (_, ax):
            each.plot.steps("m1", ax=ax)
            images.append(np.asarray(ax.images[0].get_array()))
    np.testing.assert_allclose(*images)


def test_plots_that_cannot_be_are_one_line(crossed: Comparison, ladder: Comparison) -> None:
    for plot, said in (
        (lambda: crossed.plot.ladder(), "no ladder in this comparison: a ladder needs"),
        (lambda: crossed.plot.steps(), "needs runs with the same chains|no map by cell"),
        (lambda: ladder.plot.shares("total"), "no share 'total'; there are direct"),
        (lambda: ladder.plot.shares(outcome="loss"), "no outcome 'loss'"),
        (lambda: ladder.plot.layers("state"), "no state by layer in this comparison; there is: read by layer"),
        (lambda: ladder.plot.steps("m9"), "of m9 in this comparison"),
    ):
        with pytest.raises(InputError, match=said):
            plot()


def test_a_notebook_shows_the_tables(crossed: Comparison) -> None:
    shown = parse(crossed._repr_html_())
    assert {"style", "script"}.isdisjoint({tag for tag, _ in shown.elements})
    assert "less before" in shown.tables[1][0][0]
    assert [row[-1] for row in shown.tables[1][1:]] == crossed.differences()["verdict"].tolist()


def test_the_terminal_has_the_verdicts_and_fits(crossed: Comparison) -> None:
    text = repr(crossed)
    assert text.startswith("Against before, where the chain of thought mediates")
    assert "changed in 3 (reader x writer, 23 shared items in 8 groups, margin 10 points)" in " ".join(text.split())
    assert "Left out: 1 item that not every run measured, beside 23 shared ones" in " ".join(text.split())
    assert "−" not in text
    assert "\x1b" not in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_two_runs_have_a_sentence_of_their_own() -> None:
    cases = {(0.4, 0.5, 0.1): "It changed: the difference is −30.0 points", (0.11, 0.79, 0.1): "It is unchanged: the"}
    for shares, said in cases.items():
        found = compare(made.run(), made.run(made.B, shares, seed=1), labels=["x", "y"], **FEW)
        assert said in " ".join(parse(found._repr_html_()).text.split())
    few = compare(made.run(count=4, groups=2), made.run(made.B, (0.2, 0.7, 0.1), count=4, groups=2, seed=1), **FEW)
    assert "these items cannot tell" in " ".join(parse(few._repr_html_()).text.split())


def beginning(*runs: Results) -> str:
    return " ".join(repr(compare(*runs, labels=["before", "after"], **FEW)).split())


def test_a_run_without_an_effect_has_nothing_to_share_out(tmp_path: Path) -> None:
    nothing = ", so there is nothing to share out"
    told = beginning(made.run(), made.run(made.B, te=0.01))
    assert told.startswith(f"after no longer answers (TE 0.01 nats){nothing}. Of the effect of the question on the")
    assert "mediates 90 % [88, 92] in before (own trace" in told
    told = beginning(made.run(made.B, te=0.01), made.run())
    assert told.startswith(f"before does not answer (TE 0.01 nats){nothing}. Of the effect of the question on the")
    told = beginning(made.run(te=0.02), made.run(made.B, te=0.01))
    both = "before does not answer (TE 0.02 nats) and after does not answer (TE 0.01 nats)"
    assert told.startswith(f"{both}{nothing} (own trace")
    found = compare(made.run(), made.run(made.B, te=0.01), labels=["before", "after"], **FEW)
    page = parse(found.to_html(tmp_path / "page.html").read_text(encoding="utf-8")).text
    assert "undefined (the mean total effect in after is 0.01 nats, within 0.1 of 0)" in page
    assert "run 1" not in page


def test_runs_without_an_effect_are_told_beside_the_others() -> None:
    found = compare(made.run(), made.run(made.B, (0.4, 0.5, 0.1), seed=1), made.run("model-c", te=0.01), **FEW)
    said = "There is nothing to share out where a run does not answer: model-c no longer answers (TE 0.01 nats)."
    assert said in " ".join(repr(found).split())


def test_a_mixed_comparison_is_marked_everywhere(tmp_path: Path) -> None:
    other = made.run(made.B, (0.2, 0.7, 0.1), seed=1)
    other.manifest["spec"]["answer_cue"] = " So:"
    with pytest.raises(InputError, match="the answer cue is ' So:'"):
        compare(made.run(), other)
    found = compare(made.run(), other, labels=["x", "y"], allow_mixed=True, **FEW)
    said = "Compared although the runs differ in more than model and chains: the answer cue is ' So:' in 'y'"
    assert said in parse(found._repr_html_()).text
    assert f"WARNING: {said}" in " ".join(repr(found).split())
    shown = parse(found.to_html(tmp_path / "x.html").read_text(encoding="utf-8"))
    assert shown.text.count(said) == 3  # at the top, and under both tables
    assert len(json.loads(found.to_json())["mixed"]) == 1
    for table in (found.runs(), found.shares(), found.effects(), found.differences(), found.items()):
        assert table["mixed"].str.startswith("the answer cue").all()
    with detached((7.0, 4.0)) as (_, ax):
        assert "differ in more than model and chains" in found.plot.shares(ax=ax).get_ylabel().replace("\n", " ")


def test_hostile_names_stay_text() -> None:
    other = made.run(made.B, (0.2, 0.7, 0.1), seed=1)
    other.manifest["model"]["name"] = HOSTILE
    odd = replace(other, items=other.items[:-1], cubes=made.without(other, "i0023").cubes)
    found = compare(made.run(), odd, labels=["x", HOSTILE], **FEW)
    html = found._repr_html_()
    assert "<script" not in html
    assert "\u202e" not in html
    assert "\u202e" not in repr(found)


def test_comparing_loads_no_torch() -> None:
    code = "import mediate.report.comparison.comparison, mediate.cli.compare, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_nothing_is_nan_in_what_is_defined(crossed: Comparison) -> None:
    differences = crossed.differences()
    assert not differences[["value", "low", "high", "p_equivalent"]].isna().any(axis=None)
    assert math.isclose(differences["level"].iloc[0], 0.95)
