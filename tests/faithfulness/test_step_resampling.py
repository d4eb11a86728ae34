"""Resampling on scripted models: what a step decides, what comes back, and that a row depends on its own samples."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

import mediate as md
from mediate.errors import InputError
from mediate.faithfulness import step_resampling
from mediate.faithfulness.continued import Begun, WentOn
from mediate.faithfulness.edited import subjects_of
from mediate.faithfulness.spec import BehaviourSpec
from mediate.faithfulness.step_resampling import resample
from mediate.models.generation import End, Written
from mediate.results.resampled import Resampled
from mediate.scoring.score import Call
from mediate.scoring.spec import ScoreSpec
from mediate.traces.pieces import decode_after, encode_after
from tests import tiny

QUESTION = "Tom has 3 apples and buys 4. How many apples does Tom have?"
CHAIN = "Tom has 3 + 4 = 7 apples. Tom has 7 - 2 = 5 in all."
ALONE = Call()
# From what stands of the chain, and a generator: what is written on, and what is answered after all of it.
Script = Callable[[str, np.random.Generator], tuple[str, str]]


def rows(
    monkeypatch: pytest.MonkeyPatch, script: Script, chains: tuple[str, ...] = (CHAIN,), **choices: object
) -> list[Resampled]:
    model = tiny.model("llama")
    items = [
        md.prepare(model, md.Item(QUESTION, "5", chain, id=name), store=False)
        for name, chain in zip("abc", chains, strict=False)
    ]

    def write_on(model: object, begun: Sequence[Begun], spec: object, store: object, *, progress: bool) -> list[WentOn]:
        found = []
        for prompt, subject, decoding in ((each.prompt, each.subject, each.decoding) for each in begun):
            stands = decode_after(tiny.tokenizer(), prompt[len(subject.way.tokens.question) :])
            text, said = script(stands, np.random.default_rng([decoding.seed, *prompt]))
            end = End.STOP if said else End.LENGTH
            found.append(WentOn(Written(tuple(encode_after(tiny.tokenizer(), text)), "", end), said))
        return found

    monkeypatch.setattr(step_resampling, "write_on", write_on)
    return resample(model, subjects_of(items, 0), ScoreSpec(), BehaviourSpec(resampling=True, **choices), ALONE)  # type: ignore[arg-type]


def certain(stands: str, rng: np.random.Generator) -> tuple[str, str]:
    """Writes the one chain, wherever it begins."""
    return CHAIN.removeprefix(stands), " 5"


def first_decides(stands: str, rng: np.random.Generator) -> tuple[str, str]:
    """Half of the first steps come to 8, and then all is wrong; the second step decides nothing."""
    first = stands if stands else f"Tom has 3 + 4 = {rng.integers(7, 9)} apples."
    rest = " Tom has 7 - 2 = 5 in all." if "=" in stands.removeprefix("Tom has 3 + 4 =") else " Tom has 2 in all."
    return (first + rest).removeprefix(stands), " 5" if "= 7 apples" in first else " 6"


def test_a_certain_chain_decides_nothing_by_resampling_and_always_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = rows(monkeypatch, certain, resamples=6, resample_rounds=3)
    for each in (first, second):
        assert (each.importance, each.distance, each.differing) == (0, 0, 0)
        assert np.isnan(each.counterfactual)
        assert (each.resilience, each.returning) == (3, 1)
        assert np.isnan(each.right_absent)
        assert (each.right_kept, each.samples, each.steps) == (1, 6, 2)
    assert (first.value, second.value) == ("7", "5")


def test_a_step_that_decides_has_importance_and_one_that_does_not_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = rows(monkeypatch, first_decides, resamples=40, resample_rounds=20)
    assert first.right_kept == 1
    assert first.importance == pytest.approx(first.differing)
    assert 0.25 < first.differing < 0.75
    # What differs is always wrong: the counterfactual is whole, where the plain one is diluted by what is alike.
    assert first.counterfactual == first.counterfactual_distance == 1
    assert first.distance == pytest.approx(first.importance)
    assert 0 < first.distance_by_chance < first.distance
    assert first.right_absent == 0
    assert second.importance == 0
    assert second.distance == 0


def test_resilience_counts_how_often_a_value_is_resampled_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first step's value comes back with one half: once and again in a geometric series, 2 on average."""
    first, _ = rows(monkeypatch, first_decides, resamples=80, resample_rounds=40)
    assert first.returning == 0
    assert first.resilience == pytest.approx(2, abs=0.5)
    cut, _ = rows(monkeypatch, first_decides, resamples=80, resample_rounds=2)
    assert cut.returning == pytest.approx(0.25, abs=0.12)
    assert cut.resilience == pytest.approx(1.5, abs=0.2)


def test_a_value_that_comes_back_later_is_resampled_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    stood = list[str]()

    def later(stands: str, rng: np.random.Generator) -> tuple[str, str]:
        stood.append(stands)
        if stands in ("", "Tom has 3 + 4 = 7 apples."):
            return "Tom has 2 x 1 = 2. Tom gives 3 + 4 = 7.", " 5"
        return " Tom has 9.", " 5"

    first, _ = rows(monkeypatch, later, resamples=1, resample_rounds=4)
    assert "Tom has 2 x 1 = 2." in stood
    assert (first.resilience, first.returning, first.right_absent) == (2, 0, 1)


def test_a_row_depends_on_its_own_samples_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    other = "Tom gives 2 x 1 = 2. Tom has 7 - 2 = 5 in all."
    alone = rows(monkeypatch, first_decides, resamples=8)
    beside = rows(monkeypatch, first_decides, (CHAIN, other), resamples=8)
    assert [each for each in beside if each.item == "a"] == alone
    # Draws are seeded one by one: what fewer draws find is what more begin with.
    assert rows(monkeypatch, first_decides, resamples=8) == alone


def test_what_never_ends_or_does_not_parse_is_an_answer_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(stands: str, rng: np.random.Generator) -> tuple[str, str]:
        if stands:
            return " Tom has 5.", " 5"
        return ("Tom has", "") if rng.random() < 0.5 else ("Tom has.", " apples")

    first, _ = rows(monkeypatch, endless, resamples=12)
    assert first.unparsed == 12
    assert 0 < first.endless < 12
    assert (first.right_resampled, first.distance, first.importance) == (0, 1, 1)


def test_as_many_items_as_asked_for_are_drawn_by_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = rows(monkeypatch, certain, (CHAIN, CHAIN, CHAIN), resamples=1, resample_items=2)
    assert len({each.item for each in found}) == 2
    assert len(found) == 4


@pytest.mark.parametrize(
    ("error", "code"),
    [(RuntimeError("CUDA out of memory"), "out_of_memory"), (InputError("its logits are no numbers"), "impossible")],
)
def test_what_cannot_be_sampled_does_not_cost_what_was_measured(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    def failing(stands: str, rng: np.random.Generator) -> tuple[str, str]:
        raise error

    found = rows(monkeypatch, failing, resamples=1)
    assert [(each.step, each.code) for each in found] == [(0, code), (1, code)]
    with pytest.raises(RuntimeError, match="another"):
        rows(monkeypatch, lambda stands, rng: (_ for _ in ()).throw(RuntimeError("another")), resamples=1)


def test_a_run_keeps_it_and_opens_as_it_was(tmp_path: object) -> None:
    pairs = md.modular_pairs(3, seed=1, steps=2)
    quick = {"edits": "another", "readings": "at_once", "maps": (), "control_pairs": 0, "store": False}
    choices = {"resamples": 2, "resample_items": 2, "resample_rounds": 2, "resample_temperature": 1.5}
    model, out = md.load("reference-0.1m"), f"{tmp_path}/run"
    found = md.faithfulness(model, pairs, out=out, resampling=True, progress=False, **quick, **choices)
    table = found.resampled()
    assert table.groupby("item").size().tolist() == [2, 2]
    opened = md.open(f"{tmp_path}/run")
    assert isinstance(opened, md.Faithfulness)
    assert opened.resampled().equals(table)
    assert "steps resampled" in repr(opened)
    page = opened.to_html(f"{tmp_path}/page.html").read_text("utf-8")
    assert "Behaviour: steps resampled" in page
    assert "temperature 1.5" in page
