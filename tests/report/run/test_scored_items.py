"""The items of a run in Python: by number and id, with chain, tokens, effects and maps, in notebook and terminal."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.report import Scores
from mediate.report.run import item_tokens
from mediate.results import Reject, Results, total_effect
from tests.figures.records import fake_item_results, fake_results
from tests.report.parse import parse


@pytest.fixture(scope="module")
def scores() -> Scores:
    return Scores(fake_results(6))


def test_items_come_by_number_by_id_and_in_order(scores: Scores) -> None:
    items = scores.items
    assert len(items) == 6
    ids = [each.id for each in items]
    assert ids == [item.id for item in scores.results.items]
    assert items[1].id == items[ids[1]].id == items["1"].id == ids[1]
    assert items[-1].id == ids[-1]
    assert [each.id for each in items[1:3]] == ids[1:3]
    assert items.table()["item"].tolist() == ids
    assert ids[0] in repr(items)
    assert ids[0] in parse(items._repr_html_()).text


def numbered(*, left_out: tuple[str, ...] = ()) -> Scores:
    """Three items with the ids 2, 4 and 6."""
    results = fake_results(3)
    names = dict(zip([each.id for each in results.items], ("2", "4", "6"), strict=True))
    return Scores(
        replace(
            results,
            items=tuple(replace(each, id=names[each.id]) for each in results.items),
            cubes=tuple(replace(each, items=("2", "4", "6")) for each in results.cubes),
            maps=tuple(replace(each, item=names[each.item]) for each in results.maps),
            rejects=tuple(Reject(each, "item", "not_solved", "it was not solved") for each in left_out),
        )
    )


def test_digits_are_an_id_where_ids_are_digits() -> None:
    scores = numbered()
    assert [each.id for each in (scores.items["2"], scores.items["4"], scores.items[2])] == ["2", "4", "6"]
    assert [scores.tokens(each).item.id for each in ("2", 0, 1)] == ["2", "2", "4"]
    for missing in ("0", "1", "3"):
        with pytest.raises(InputError, match=rf"no item '{missing}' .* ids are numbers \('2', '4', '6'\).*--place"):
            scores.items[missing]
    with pytest.raises(InputError, match="item '1' was left out: not_solved"):
        numbered(left_out=("1",)).items["1"]


def test_ids_of_items_that_were_left_out_are_no_places_either(scores: Scores) -> None:
    left = replace(scores.results, rejects=(Reject("1", "item", "not_solved", "it was not solved"),))
    assert scores.items["2"].id == scores.items[2].id
    with pytest.raises(InputError, match="its ids are numbers"):
        Scores(left).items["2"]


def test_an_item_is_told_with_its_place() -> None:
    scores = numbered()
    assert "Item 2, the 1st of 3, group" in repr(scores.items["2"])
    assert "Item 6, the 3rd of 3, group" in repr(scores.items[2])
    assert "Chains of item 4, the 2nd of 3" in repr(scores.tokens("4"))


def test_an_item_that_is_not_there_is_an_error_that_says_what_is(scores: Scores) -> None:
    first = scores.items[0].id
    with pytest.raises(InputError, match=rf"no item '{first}x' in these results; did you mean '{first}'\?"):
        scores.items[f"{first}x"]
    with pytest.raises(InputError, match=r"no item 'zzz' in these results; there are 6 items, by id or by place"):
        scores.items["zzz"]
    with pytest.raises(InputError, match="no item '99'"):
        scores.items["99"]
    with pytest.raises(IndexError, match="item 99: there are 6 items"):
        scores.items[99]
    left = next(each for each in scores.rejects if each.part == "item")
    with pytest.raises(InputError, match=f"was left out: {left.reason}"):
        scores.items[left.item]


def test_an_item_has_its_chain_tokens_effects_and_maps(scores: Scores) -> None:
    item, told = scores.items[0], scores.results.items[0]
    assert (item.question, item.answer, item.chain) == (
        told.base.question,
        told.base.answer,
        "".join(told.base.tokens),
    )
    assert item.source is told.source
    assert item.tokens["token"].tolist() == [each for _, world in told.worlds for each in world.tokens]
    assert item.tokens["states_answer"].sum() == sum(world.states_answer is not None for _, world in told.worlds)
    te = item.effects.query("quantity == 'TE'")
    assert te["value"].tolist() == [float(total_effect(cube.y)[0]) for cube in scores.results.cubes]
    assert te["share"].isna().all()
    assert item.effects.query("quantity in ('direct', 'text', 'latent')").groupby("outcome")[
        "share"
    ].sum().tolist() == (pytest.approx([1.0, 1.0]))
    (one,) = item.maps()
    assert item.maps("read") == item.maps("read:step,layer") == (one,)
    with pytest.raises(InputError, match="did you mean 'read'"):
        item.maps("reed")


def test_tokens_have_the_effect_of_their_step_in_the_layer_that_is_asked_for(scores: Scores) -> None:
    (one,) = scores.items[0].maps()
    table = scores.tokens(0, "read", 1).table()
    base = table[table["world"] == "base"]
    assert base["effect"].tolist() == [float(one.values[step, 1]) for step in base["step"]]
    assert table[table["world"] == "source"]["effect"].isna().all()
    with pytest.raises(InputError, match=r"layer: no 99 in 'read:step,layer'"):
        scores.tokens(0, layer=99)
    with pytest.raises(InputError, match=r"head: no axis of 'read:step,layer'"):
        scores.tokens(0, head=1)


def test_coloured_text_shows_itself_and_is_a_page(scores: Scores, tmp_path: Path) -> None:
    tokens = scores.tokens(0, layer=1)
    cell = parse(tokens._repr_html_())
    assert "in layer 1 alone; each step begins" in " ".join(cell.text.split())
    assert {"script", "style"}.isdisjoint({tag for tag, _ in cell.elements})
    path = tokens.to_html(tmp_path / "deep" / "item.html")
    page = parse(path.read_text(encoding="utf-8"))
    assert all(step.strip() in page.text for step in scores.items[0].chain.split("\n"))
    assert page.attributes("p", "dir") == ["auto", "auto"]
    assert "undefined" not in page.text


def test_a_terminal_has_colours_and_other_places_plain_text(scores: Scores, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = repr(scores.items[0])
    assert "\x1b" not in plain
    assert scores.items[0].show() == plain
    effect = scores.items[0].maps()[0].values[0]
    assert f"{effect[scores.tokens(0).colouring().layer or 0]:+.2f}" in plain
    assert "Framed" not in plain
    monkeypatch.setattr(item_tokens.sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = repr(scores.items[0])
    assert "\x1b[38" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[38" not in repr(scores.items[0])


def test_without_maps_an_item_has_its_text_and_says_so() -> None:
    scores = Scores(replace(fake_results(2), maps=()))
    assert "the chains have no colour" in " ".join(repr(scores.items[0]).split())
    assert "effect" not in scores.tokens(0).table()
    with pytest.raises(InputError, match="no maps in these results"):
        scores.tokens(0, "read")
    with pytest.raises(InputError, match="no maps in these results"):
        scores.tokens(0, layer=1)


def test_an_item_without_a_map_of_the_kind_has_no_effects() -> None:
    results = fake_results(12)
    without = {item.id for item in results.items} - {each.item for each in results.maps}
    table = Scores(results).tokens(next(iter(without))).table()
    assert table["effect"].isna().all()


def test_an_item_by_itself_has_no_source_and_what_its_contrast_names() -> None:
    item = Scores(fake_item_results(2)).items[0]
    assert item.source is None
    named = item.effects.query("quantity == 'necessity'")
    assert len(named) == 2
    assert np.isnan(named["share"]).all()
    assert "necessity" in repr(item)


def test_nothing_measured_is_an_empty_sequence() -> None:
    items = Scores(Results({})).items
    assert (len(items), list(items), items[:2]) == (0, [], ())
    assert "0 items" in repr(items)
    assert "0 items" in parse(items._repr_html_()).text
