"""What is kept is what `selected` keeps of the scored traces, and unlikely tokens have no label."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mediate
from mediate.errors import InputError
from mediate.mediation.batching import of_like_length
from mediate.pairs import Item
from mediate.results.trace_scores import HIGHER_IS_BETTER
from mediate.tasks import modular_pairs
from mediate.traces.pieces import encode_after
from mediate.tuning.arms.arm import Encoded
from mediate.tuning.base import load_base
from mediate.tuning.examples import Example, examples_of_pairs
from mediate.tuning.labels import IGNORED, labelled
from mediate.tuning.quiet import undisturbed
from mediate.tuning.spec import make_tune_spec
from mediate.tuning.trainers import Course, make_trainer
from tests import tiny
from tests.tuning.subjects import arranged, base_folder

ONE = Example("a", "a", "Start 3, add 4, times 7. Hint 5.", "9", "3 + 4 = 7. 7 x 7 = 9.")
JUDGE = "reference-0.1m-decorative"  # it finds right chains unlikely


@pytest.fixture(scope="module")
def given() -> tuple[Example, ...]:
    return examples_of_pairs(modular_pairs(12, seed=2))


@pytest.fixture(scope="module")
def scores(given: tuple[Example, ...]) -> Any:
    items = [Item(each.question, each.answer, each.chain, id=each.id, group=each.group) for each in given]
    return mediate.score_traces(mediate.load(JUDGE, device="cpu"), items, store=False, progress=False)


@pytest.mark.parametrize("by", HIGHER_IS_BETTER)
def test_what_is_kept_is_what_is_selected(by: str, given: tuple[Example, ...], scores: Any) -> None:
    found = arranged(given, "filtered", model=JUDGE, by=by, keep=0.25)
    assert [each.example.id for each in found.taught] == scores.select(by, keep=0.25)["item"].tolist()
    assert (found.counts["scored"], found.counts["kept"]) == (24, 6)
    assert found.counts["judge"]["name"] == JUDGE


def test_another_model_may_judge(given: tuple[Example, ...], scores: Any) -> None:
    found = arranged(given, "filtered", judge=JUDGE, by="surprisal", keep=0.5)
    assert [each.example.id for each in found.taught] == scores.select("surprisal", keep=0.5)["item"].tolist()
    with pytest.raises(InputError, match=r"the judge .* has another tokenizer than the student; give"):
        arranged(given, "filtered", judge="reference-worded-0.1m", keep=0.5)
    context = mediate.load(JUDGE, device="cpu").facts.context
    long = replace(given[0], chain=" ".join([given[0].chain or ""] * (context // 12)))
    with pytest.raises(InputError, match=rf"takes {context} tokens, and an example has \d+ up to the end of its chain"):
        arranged([long], "filtered", judge=JUDGE, keep=0.5)


def test_unlikely_tokens_are_masked_in_their_places(given: tuple[Example, ...], scores: Any) -> None:
    least = 0.1
    found = arranged(given, "filtered", model=JUDGE, least=least)
    tokens = scores.tokens()
    for each in found.taught:
        surprisal = tokens[tokens["item"] == each.example.id]["surprisal"].to_numpy()
        assert each.row.unlearnt == tuple(np.flatnonzero(np.exp(-surprisal) < least))
        assert each.about["masked"] == len(each.row.unlearnt)
        assert (each.row.prompt, each.row.completion) == (each.said.question, each.said.chain + each.said.ending)
    masked = int((np.exp(-tokens["surprisal"]) < least).sum())
    assert 0 < masked < len(tokens)
    assert (found.counts["masked"], found.counts["chain_tokens"]) == (masked, len(tokens))


def test_labels_by_hand() -> None:
    row = labelled((7, 8), (1, 2, 3, 4), (0, 2))
    assert row == {"input_ids": [7, 8, 1, 2, 3, 4], "labels": [IGNORED, IGNORED, IGNORED, 2, IGNORED, 4]}
    assert labelled((7,), (1, 2))["labels"] == [IGNORED, 1, 2]
    assert Encoded("a", (7, 8), (1, 2, 3, 4)).unlearnt == ()


def test_the_trainers_batch_has_no_label_where_a_token_is_masked(tmp_path: Path) -> None:
    base, spec = load_base("reference-0.1m"), make_tune_spec(arm="filtered", least=0.5, batch_size=2, full=True)
    rows = [Encoded("a", (4, 45), (36, 46, 39, 0), unlearnt=(0, 2)), Encoded("b", (4,), (36, 0))]
    with undisturbed():
        trainer = make_trainer(base, rows, spec, Course(tmp_path, 1, 1, cpu=True))
    (batch,) = trainer.get_train_dataloader()
    labels = {tuple(row.tolist()) for row in batch["labels"]}
    assert labels == {(IGNORED,) * 3 + (46, IGNORED, 0), (IGNORED, 36, 0) + (IGNORED,) * 3}


def test_masked_tokens_are_counted_in_the_manifest(tmp_path: Path) -> None:
    base = base_folder(tmp_path / "m")
    examples = [replace(ONE, id=name, group=name, question=f"Question {name}?") for name in "abcd"]
    options: dict[str, Any] = {"steps": 1, "held_out": 0, "progress": False, "device": "cpu"}
    # Of random weights every token is about as likely, far below a half.
    tuned = mediate.tune(base, examples, out=tmp_path / "out", arm="filtered", least=0.5, **options)
    counts = tuned.manifest["arranged"]
    tokens = 4 * len(encode_after(tiny.byte_level(), ONE.chain or ""))
    assert (counts["chain_tokens"], counts["masked"], counts["examples_with_masked"]) == (tokens, tokens, 4)
    again = mediate.tune(base, examples, out=tmp_path / "out", arm="filtered", least=0.5, **options)
    assert again.manifest == tuned.manifest
    with pytest.raises(InputError, match=r"option 'least' is 0.5 there and 0.25 here"):
        mediate.tune(base, examples, out=tmp_path / "out", arm="filtered", least=0.25, **options)


def test_a_filter_says_what_it_keeps() -> None:
    for choices, named in (
        ({}, "the arm filtered takes keep, .* or least"),
        ({"least": 0.1, "by": "casl"}, "by is the score of those that are kept; give keep too"),
        ({"keep": 0.0}, "option 'keep'"),
        ({"least": 1.5}, "option 'least'"),
        ({"by": "length", "keep": 0.5}, "option 'by'"),
    ):
        with pytest.raises(InputError, match=named):
            make_tune_spec(arm="filtered", **choices)


def test_rows_of_like_length_are_scored_side_by_side() -> None:
    def batches(lengths: list[int]) -> list[list[int]]:
        return of_like_length(dict(enumerate(lengths)), 2048)

    assert batches([5, 1000, 6, 1100, 3000]) == [[0, 2], [1], [3], [4]]
    assert batches([1000, 1000]) == [[0, 1]]
