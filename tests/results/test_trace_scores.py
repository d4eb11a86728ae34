"""Scores of traces, by hand, and against the authors' definition on random logits."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from mediate.errors import InputError
from mediate.results.trace_scores import (
    ScoredTrace,
    TraceRule,
    rank_surprisal_ratio,
    selected,
    set_ratio,
    step_length_corrected,
    token_table,
    trace_table,
)

LN2 = float(np.log(2))


def traced(
    probabilities: list[float], ranks: list[int], item: str = "a", steps: list[int] | None = None
) -> ScoredTrace:
    count = len(ranks)
    return ScoredTrace(
        item=item,
        group=item,
        question="?",
        chain="x" * count,
        answer="1",
        tokens=("x",) * count,
        steps=tuple(steps or [0] * count),
        surprisal=-np.log(np.array(probabilities)),
        rank=np.array(ranks, dtype=int),
        entropy=np.zeros(count),
    )


ONE, OTHER = traced([1 / 2, 1 / 4, 1 / 8], [1, 2, 4]), traced([1 / 2], [1], "b")


def test_three_ways_to_average_are_three_numbers_and_the_sets_is_the_first() -> None:
    assert rank_surprisal_ratio(ONE.rank, ONE.surprisal) == pytest.approx(7 / (6 * LN2))
    assert rank_surprisal_ratio(ONE.rank, ONE.surprisal) == pytest.approx(1.683, abs=5e-4)
    assert rank_surprisal_ratio(OTHER.rank, OTHER.surprisal) == pytest.approx(1.443, abs=5e-4)
    assert set_ratio([ONE, OTHER]) == pytest.approx((7 / 3 + 1) / (3 * LN2))
    assert set_ratio([ONE, OTHER]) == pytest.approx(1.603, abs=5e-4)
    ratios = [rank_surprisal_ratio(each.rank, each.surprisal) for each in (ONE, OTHER)]
    assert np.mean(ratios) == pytest.approx(1.563, abs=5e-4)
    pooled = [np.concatenate([getattr(each, name) for each in (ONE, OTHER)]) for name in ("rank", "surprisal")]
    assert rank_surprisal_ratio(*pooled) == pytest.approx(8 / (7 * LN2))


def test_ranks_are_capped_and_near_certain_traces_have_no_ratio() -> None:
    rare = traced([1e-4, 1 / 2], [5000, 1])
    assert rank_surprisal_ratio(rare.rank, rare.surprisal) == pytest.approx(101 / -np.log(0.5e-4))
    assert rank_surprisal_ratio(rare.rank, rare.surprisal, TraceRule(cap=10)) == pytest.approx(11 / -np.log(0.5e-4))
    sure = traced([0.995, 0.995], [1, 1])
    assert np.isnan(rank_surprisal_ratio(sure.rank, sure.surprisal))
    assert rank_surprisal_ratio(sure.rank, sure.surprisal, TraceRule(floor=0.0)) == pytest.approx(-1 / np.log(0.995))
    assert np.isnan(set_ratio([sure]))
    assert np.isfinite(set_ratio([sure, ONE]))
    assert np.isnan(set_ratio([]))


def test_it_is_the_authors_ratio_on_random_logits_with_ties() -> None:
    draw = torch.Generator().manual_seed(0)
    for _ in range(100):
        # Rounded, so that many logits tie; more than a hundred tokens, so that the cap counts.
        logits = (torch.randn(12, 300, generator=draw) * 3).round(decimals=0)
        ids = torch.randint(0, 300, (12,), generator=draw)
        said = logits[torch.arange(12), ids]
        # As the authors' code has it: strictly greater, clipped; float32 log-sum-exp.
        rank = ((logits > said[:, None]).sum(1) + 1).clamp(max=100)
        surprisal = torch.logsumexp(logits.float(), 1) - said
        theirs = float(rank.sum() / surprisal.sum())
        ordered = np.sort(logits.numpy(), axis=1)[:, ::-1]
        ranks = np.array([1 + int(np.searchsorted(-row, -float(one))) for row, one in zip(ordered, said, strict=True)])
        logprob = torch.log_softmax(logits.double(), 1)[torch.arange(12), ids].numpy()
        ours = rank_surprisal_ratio(ranks, -logprob)
        assert ours == pytest.approx(theirs, rel=1e-6)


def test_the_speculative_rule_takes_what_is_likely_and_among_the_likeliest() -> None:
    trace = traced([0.01, 0.0099, 0.02, 0.02], [20, 3, 20, 21])
    assert trace.accepted().tolist() == [True, False, True, False]
    assert trace.accepted(top=21, likely=0.02).tolist() == [False, False, True, True]


def test_first_tokens_of_steps_are_left_out_of_drop() -> None:
    trace = traced([1 / 8, 1 / 2, 1 / 4, 1 / 2], [4, 1, 2, 1], steps=[0, 0, 1, 1])
    assert trace.first.tolist() == [True, False, True, False]
    row = trace_table([trace]).iloc[0]
    assert row["drop"] == pytest.approx(-LN2)
    assert row["surprisal"] == pytest.approx(7 / 4 * LN2)
    assert row["steps"] == 2
    assert row["total_rank"] == 8
    assert row["perplexity"] == pytest.approx(2 ** (7 / 4))
    bare = trace_table([traced([0.5, 0.5], [1, 1], steps=[0, 1])]).iloc[0]
    assert np.isnan(bare["drop"])


def test_casl_takes_out_what_steps_a_token_explain() -> None:
    rng = np.random.default_rng(0)
    first, drop, density = rng.normal(size=(3, 40))
    logprob = 0.3 * first + 0.6 * drop + 1.7 * density
    found = step_length_corrected(logprob, first, drop, density)
    assert np.allclose(found, 0.3 * first + 0.6 * drop)
    # With noise: what is left of the density in the residual of the others is nothing.
    noisy = logprob + rng.normal(size=40) * 0.1
    corrected = step_length_corrected(noisy, first, drop, density)
    columns = np.stack([first, drop], axis=1)
    left = corrected - columns @ np.linalg.lstsq(columns, corrected, rcond=None)[0]
    other = density - columns @ np.linalg.lstsq(columns, density, rcond=None)[0]
    assert abs(other @ left) < 1e-9


def test_casl_is_undefined_where_the_set_does_not_determine_it() -> None:
    ones = np.ones(3)
    assert np.isnan(step_length_corrected(ones, ones, ones, ones)).all()
    rng = np.random.default_rng(1)
    first, drop = rng.normal(size=(2, 9))
    assert np.isnan(step_length_corrected(first, first, drop, 2 * first - drop)).all()
    drop[3] = np.nan
    found = step_length_corrected(first, first, drop, rng.normal(size=9))
    assert np.isnan(found).tolist() == [place == 3 for place in range(9)]


def frame(**columns: list[float]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    return pd.DataFrame({"item": list("abcdefgh"[:count]), "question": list("ppqqrrss"[:count]), **columns})


def test_the_best_are_kept_in_the_tables_order() -> None:
    table = frame(rsr=[3.0, 1.0, np.nan, 2.0], accepted=[0.5, 0.9, 0.9, 0.1])
    assert selected(table, "rsr", keep=0.5) == ["b", "d"]
    assert selected(table, "accepted", keep=0.25) == ["b"]
    assert selected(table, "accepted", of_question=1) == ["b", "c"]
    assert selected(table, "rsr", of_question=1) == ["b", "d"]
    assert selected(table, "rsr", keep=0.01) == ["b"]


@pytest.mark.parametrize(
    ("by", "keep", "of_question", "message"),
    [
        ("ratio", 0.5, None, "no score 'ratio'"),
        ("rsr", None, None, "how many are kept"),
        ("rsr", 0.5, 1, "how many are kept"),
        ("rsr", 0.0, None, "above 0 and up to 1"),
        ("rsr", None, 0, "at least one"),
        ("casl", 0.5, None, "undefined for all 2"),
    ],
)
def test_what_cannot_be_selected_is_said(by: str, keep: float | None, of_question: int | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        selected(frame(rsr=[1.0, 2.0], casl=[np.nan, np.nan]), by, keep=keep, of_question=of_question)


def test_a_table_of_tokens_has_a_row_each() -> None:
    table = token_table([ONE, OTHER], TraceRule(top=2))
    assert table["item"].tolist() == ["a", "a", "a", "b"]
    assert table["accepted"].tolist() == [True, True, False, True]
    assert "divergence" not in table
    assert len(token_table([])) == 0


def test_scores_of_another_number_of_tokens_are_refused() -> None:
    with pytest.raises(ValueError, match="other numbers"):
        replace(ONE, tokens=("x", "x"))
    with pytest.raises(ValueError, match="0 tokens"):
        traced([], [])
