"""What a page's viewer is given: every item's texts, numbers and maps, and how near its cells are to the exact ones."""

from base64 import b64decode
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mediate.report.html import in_json
from mediate.report.run import explorer
from mediate.report.run.explorer import LONG, STEPS, UNDEFINED, compared_data, quantised, run_data
from mediate.report.run.tables import channel_table
from mediate.results import Measured, Results, Told
from mediate.results.agreement import Agreement
from tests.figures.records import fake_item_results, fake_results

Data = dict[str, Any]


def tokens_of(text: str, lengths: str) -> list[str]:
    """The tokens as the script finds them: it counts in UTF-16."""
    units, found, begin, length = text.encode("utf-16-le"), list[str](), 0, 0
    for each in b64decode(lengths):
        length += each
        if each < LONG:
            found.append(units[2 * begin : 2 * (begin + length)].decode("utf-16-le"))
            begin, length = begin + length, 0
    return found


def values_of(row: list[Any]) -> Any:
    """The effects of a map as the script gives them back."""
    _, largest, labels, cells = row[:4]
    codes = np.frombuffer(b64decode(cells), np.int8).astype(float)
    codes[codes == UNDEFINED] = np.nan
    return (codes * largest / STEPS).reshape([each if isinstance(each, int) else len(each) for each in labels])


def data_of(results: Results) -> Data:
    return run_data(results).value  # type: ignore[return-value]


@settings(deadline=None, max_examples=60)
@given(arrays.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.floats(-1e6, 1e6)))
def test_a_cell_is_given_back_within_half_a_step_of_the_largest(values: Any) -> None:
    largest = float(abs(values).max())
    back = quantised(values, largest).astype(float) * largest / STEPS
    assert (abs(back - values) <= largest / STEPS / 2 * (1 + 1e-9)).all()


def test_what_is_undefined_has_a_code_of_its_own_and_nothing_but_zeros_is_zeros() -> None:
    assert quantised(np.array([np.nan, 1.0, -1.0, 0.0]), 1.0).tolist() == [UNDEFINED, STEPS, -STEPS, 0]
    assert quantised(np.zeros(3), 0.0).tolist() == [0, 0, 0]


def test_every_item_has_its_texts_effects_and_maps() -> None:
    results = fake_results(6)
    data = data_of(results)
    assert [row[0] for row in data["items"]] == [item.id for item in results.items]
    table = channel_table(results.cubes[0])
    maps = {each.item: each for each in results.maps}
    assert data["quantities"] == ["TE", "direct", "text", "latent", "mediated"]
    for item, (_, group, _, views) in zip(results.items, data["items"], strict=True):
        assert group == item.group
        assert len(views) == 2
        for told, view in zip((item.base, item.source), views, strict=True):
            assert told is not None
            question, _, chain, lengths, steps, states = view[:6]
            assert question == told.question
            assert tokens_of(chain, lengths) == [each.replace("\n", "↵\n") for each in told.tokens]
            assert [step for step, n in zip(steps[::2], steps[1::2], strict=True) for _ in range(n)] == [*told.steps]
            assert (states[0] if states else None) == told.states_answer
        effects, own = views[0][6:]
        row = table[table["item"] == item.id].iloc[0]
        assert effects[0] == pytest.approx([row[name] for name in ("te", "direct", "text", "latent", "tie")], rel=1e-3)
        assert views[1][6:] == (None, [])
        if item.id in maps:
            found = values_of(own[0])
            assert abs(found - maps[item.id].values).max() <= abs(maps[item.id].values).max() / STEPS
        else:
            assert own == []


def test_the_scale_is_one_for_the_page_and_never_less_than_the_margin() -> None:
    results = fake_results(4)
    largest = max(float(abs(each.values).max()) for each in results.maps)
    assert data_of(results)["sets"][0]["limit"] == pytest.approx(largest, rel=1e-3)
    small = replace(results, maps=tuple(replace(each, values=each.values * 1e-6) for each in results.maps))
    assert data_of(small)["sets"][0]["limit"] == 0.1


@pytest.mark.parametrize(
    "tokens",
    [
        ("🙂", "é", " 👩‍👩", ""),
        ("x" * 254, "y" * 255, "z" * 256, "w" * 600),
        ("שלום", " עולם", "\u202e", "\x00", "\r\n"),
        ("\ud800", "</script>", "a\nb"),
    ],
)
def test_tokens_of_any_text_come_apart_as_they_were(tokens: tuple[str, ...]) -> None:
    told = Told("q", "7", tokens, (0,) * len(tokens), None, True)
    results = replace(fake_results(1), items=(Measured("a", "g", told),), cubes=(), maps=(), cut=(), rejects=())
    view = data_of(results)["items"][0][3][0]
    assert tokens_of(view[2], view[3]) == [explorer.shown_token(each) for each in tokens]
    assert in_json(data_of(results))


def test_an_estimate_comes_with_what_it_is_worth() -> None:
    results = fake_results(4)
    trust = Agreement(0.95, 0.95, 0.1, 1.0, 0.9, 32, 8, 0)
    maps = tuple(replace(each, kind="attribution.resid_pre", agreement=trust) for each in results.maps)
    data = data_of(replace(results, maps=maps))
    rows = [row for _, _, _, views in data["items"] for row in views[0][7]]
    assert {row[4] for row in rows} == {"reliable, rank correlation 0.95 over 32 cells"}
    assert data["sets"][0]["noun"] == "estimate"
    without = data_of(replace(results, maps=tuple(replace(each, agreement=None) for each in maps)))
    assert {row[4] for _, _, _, views in without["items"] for row in views[0][7]} == {"not assessed"}


def test_items_without_a_twin_have_one_view_and_what_their_contrast_names() -> None:
    data = data_of(fake_item_results(3))
    assert [each["name"] for each in data["views"]] == ["item"]
    assert data["quantities"][5:] == ["necessity", "sufficiency", "blind"]
    assert {len(views) for _, _, _, views in data["items"]} == {1}
    assert data["ends"].startswith("blue: what is hidden")


def test_runs_on_the_same_items_stand_side_by_side_on_one_scale() -> None:
    first, second = fake_results(4), fake_results(4, layers=3)
    items = [item.id for item in first.items]
    data: Data = compared_data([("a", first), ("b", second)], items).value  # type: ignore[assignment]
    assert [each["name"] for each in data["views"]] == ["a", "b"]
    assert len(data["sets"]) == 1
    largest = max(float(abs(each.values).max()) for each in (*first.maps, *second.maps))
    assert data["sets"][0]["limit"] == pytest.approx(largest, rel=1e-3)
    views = data["items"][0][3]
    assert [view[7][0][2][1] for view in views] == [first.maps[0].values.shape[1], 3]
    assert all(view[6] for view in views)


def test_labels_that_do_not_count_from_0_are_listed() -> None:
    results = fake_results(1)
    one = results.maps[0]
    coords = {"step": one.coords["step"], "layer": one.coords["layer"][1:]}
    kept = replace(one, values=one.values[:, 1:], coords=coords)
    row = data_of(replace(results, maps=(kept,)))["items"][0][3][0][7][0]
    assert row[2] == [len(one.coords["step"]), list(one.coords["layer"][1:])]


def test_what_does_not_fit_into_a_page_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    results = fake_results(4)
    assert data_of(results)["notes"] == []
    monkeypatch.setattr(explorer, "MOST_BYTES", 900)
    data = data_of(results)
    assert 0 < len(data["items"]) < 4
    assert data["notes"] == [f"The first {len(data['items'])} of 4 items are in this page; results/ has all of them."]
    monkeypatch.setattr(explorer, "MOST_CELLS", 1)
    data = data_of(results)
    assert data["notes"][-1].endswith("in results/effects.parquet: read:step,layer.")
    assert not any(view[7] for _, _, _, views in data["items"] for view in views)


def test_nothing_measured_is_no_items() -> None:
    assert data_of(Results({}))["items"] == []
