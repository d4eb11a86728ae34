"""Joining tokens from items to a run directory: planted models whose answer reads one token, twins, and what is left
out."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mediate
from mediate.checks import planted
from mediate.distill import join as module
from mediate.errors import InputError, ItemError
from mediate.mediation.names import LOGIT
from mediate.results.token_join import ALL
from mediate.results.tokens_agreed import Judging, carrying_most, tokens_agreed
from tests import tiny

CHAIN, READ_AT, WEIGHT, QUESTION = "3172068451", 6, 1.5, "52"
ITEM = mediate.Item(QUESTION, "yes", CHAIN, id="planted")
APPLES = "Tom has 3 apples and buys 4. How many apples does Tom have?"
ITEMS = tuple(
    mediate.Item(APPLES, answer, chain, id=name)
    for name, answer, chain in (
        ("a", "7", "Tom has 3 + 4 = 7 apples."),
        ("b", "7", "Tom has 3 apples. Tom buys 4 and then has 3 + 4 = 7 apples in all."),
        ("c", "8", "Tom has 8."),
    )
)
TWIN = mediate.Item(APPLES.replace("3", "2"), "6", "Tom has 2 + 4 = 6 apples.")
PAIR = mediate.Pair("p", "g", mediate.Item(APPLES, "7", ITEMS[0].cot), TWIN)


@cache
def reader_of_one_token() -> Any:
    """A planted model whose `yes` is so many times the digit at one place of a chain of ten, and reads nothing else."""
    tokenizer = planted.planted_tokenizer()
    model = planted.blank_gpt2(len(tokenizer), channels=planted.CHANNELS, layers=2, heads=2, dtype=torch.float64)
    body, answer_at = model.transformer, 3 + len(CHAIN) + 3
    with torch.no_grad():
        for digit in range(10):
            token = tokenizer.convert_tokens_to_ids(str(digit))
            planted.write(body.wte.weight[token], planted.DIGIT, float(digit))
        planted.write(body.wpe.weight[3 + READ_AT], planted.AT_CHAIN, 1.0)
        planted.write(body.wpe.weight[answer_at], planted.AT_ANSWER, 1.0)
        attention = body.h[1].attn
        planted.attend(attention, 1, planted.AT_ANSWER, planted.AT_CHAIN, {planted.DIGIT: WEIGHT}, planted.MEDIATED)
        planted.listen(model.lm_head.weight[tokenizer.convert_tokens_to_ids(" yes")], planted.MEDIATED, 1.0)
    return mediate.load(model, tokenizer=tokenizer, dtype="float64", device="cpu")


def joined(items: Any = ITEMS, model: Any = None, **options: Any) -> Any:
    return mediate.join_tokens(model or tiny.model("llama"), items, progress=False, **options)


def test_the_one_token_that_is_read_carries_all_and_the_others_exactly_nothing() -> None:
    tokens = joined([ITEM], reader_of_one_token()).tokens()
    effects = tokens["knockout"].to_numpy()
    # Where it cannot be attended to, every other key is as good: the mean of the digits that are left, of 16 keys.
    # The outcome is less the mean of all 17 logits, of which one changes.
    digits = [int(each) for each in CHAIN]
    instead = (sum(map(int, QUESTION)) + sum(digits) - digits[READ_AT]) / 16
    assert effects[READ_AT] == pytest.approx(WEIGHT * (digits[READ_AT] - instead) * 16 / 17, abs=1e-12)
    assert (np.delete(effects, READ_AT) == 0).all()
    assert np.flatnonzero(carrying_most(effects, 0.1)).tolist() == [READ_AT]


def test_of_rejected_and_accepted_tokens_one_carries_all() -> None:
    probable = np.exp(-joined([ITEM], reader_of_one_token()).tokens()["surprisal"])
    found = joined([ITEM], reader_of_one_token(), likely=float(probable.median()))
    row, accepted = found.table().iloc[0], found.tokens()["accepted"].to_numpy()
    assert 0 < accepted.sum() < len(accepted)
    carrier, other = ("accepted", "rejected") if accepted[READ_AT] else ("rejected", "accepted")
    assert row[f"hidden.{other}"] == 0
    assert abs(row[f"hidden.{carrier}"]) > 1
    assert row["tokens.rejected"] == row["tokens.random"] == (~accepted).sum()


def test_a_score_made_of_the_effect_and_noise_has_the_correlation_worked_out_beforehand() -> None:
    found = joined([ITEM], reader_of_one_token())
    noise = [0.3, 0.9, 0.1, 0.6, 0.2, 0.8, 0.0, 0.4, 0.7, 0.5]
    tokens = found.tokens().assign(mine=lambda table: table["knockout"] + noise)
    (mine,) = tokens_agreed(tokens, ["knockout"], ["mine"], [ALL], Judging(least=0.1))
    # Nine tie at 0 and one is above: covariance 22.5, sums of squares 22.5 and 82.5.
    assert mine.correlation.value == pytest.approx(np.sqrt(3 / 11))
    assert mine.area.value == 1
    assert found.agreed(tokens)["score"].tolist() == found.agreed()["score"].tolist()


def test_one_prepared_set_gives_both_sides_as_they_are_measured_by_themselves() -> None:
    found = joined()
    scores = mediate.score_traces(tiny.model("llama"), ITEMS, progress=False)
    tokens = found.tokens()
    for name in ("item", "token", "step", "first", "rank", "accepted"):
        assert tokens[name].tolist() == scores.tokens()[name].tolist()
    assert np.allclose(tokens["surprisal"], scores.tokens()["surprisal"], atol=1e-6)
    for item in ITEMS:
        prepared = mediate.prepare(tiny.model("llama"), item, store=False)
        own = tokens[tokens["item"] == item.id]
        assert np.allclose(own["knockout"], prepared.map("knockout:position").values, atol=1e-5)
        row = found.table().set_index("item").loc[item.id]
        assert row["te"] == pytest.approx(prepared.te, abs=1e-5)
        assert row["whole"] == pytest.approx(prepared.map("knockout:position").joint, abs=1e-5)
    stated = tokens[tokens["states_answer"]]
    assert stated["token"].str.strip().tolist() == ["7", "7", "8"]
    assert stated["kind"].tolist() == ["result"] * 3
    assert (found.table()["tokens.statement"] == 1).all()
    assert found.manifest["spec"]["design"] == "joined tokens"
    assert "read" not in set(found.agreed()["effect"])


def test_sets_are_hidden_at_once() -> None:
    found = joined(top=40)
    table, tokens = found.table(), found.tokens()
    for item in ITEMS:
        prepared = mediate.prepare(tiny.model("llama"), item, store=False)
        own, row = tokens[tokens["item"] == item.id], table[table["item"] == item.id].iloc[0]
        for name, here in (("rejected", ~own["accepted"]), ("accepted", own["accepted"]), ("opening", own["first"])):
            places = np.flatnonzero(here).tolist()
            assert row[f"tokens.{name}"] == len(places)
            (wanted,) = module.hidden_together(prepared.model, prepared.sights, [places], LOGIT)
            assert row[f"hidden.{name}"] == pytest.approx(wanted, abs=1e-5)
    assert 0 < table["tokens.rejected"].sum() < len(tokens)


def test_pairs_have_read_effects_and_a_sample_has_state_effects() -> None:
    pairs = [PAIR, *(mediate.Pair(f"p{number}", "g", PAIR.base, PAIR.source) for number in range(3))]
    found = joined(pairs, states=2)
    tokens = found.tokens()
    prepared = mediate.prepare(tiny.model("llama"), PAIR, store=False)
    own = tokens[tokens["item"] == "p"]
    assert np.allclose(own["read"], prepared.map("read:position").values, atol=1e-5)
    having = tokens.groupby("item")["state"].apply(lambda values: values.notna().all())
    assert having.sum() == 2
    state = tokens[tokens["item"] == having.idxmax()]["state"]
    assert np.allclose(state, prepared.map("state.resid_pre:position").values, atol=1e-5)
    assert set(found.agreed()["effect"]) == {"knockout", "read", "state"}
    assert not joined([PAIR], states=0).tokens()["state"].notna().any()
    # The knockouts are those of the bases as items by themselves, whatever the twins.
    assert np.allclose(own["knockout"], joined([ITEMS[0]]).tokens()["knockout"], atol=1e-5)


def test_a_pair_that_cannot_be_aligned_has_knockouts_alone() -> None:
    longer = mediate.Item(TWIN.question, "6", "Tom has 2. Tom has 2 + 4 = 6 apples.")
    found = joined([PAIR, mediate.Pair("q", "h", PAIR.base, longer)])
    tokens = found.tokens()
    assert tokens[tokens["item"] == "q"]["read"].isna().all()
    assert tokens[tokens["item"] == "q"]["knockout"].notna().all()
    assert tokens[tokens["item"] == "p"]["read"].notna().all()
    assert ("q", "unaligned_steps", "read:position") in [(each.item, each.code, each.part) for each in found.rejects]
    assert found.manifest["counts"]["rejected"] == 0
    alone = joined([mediate.Pair("q", "h", PAIR.base, longer)])
    assert alone.tokens()["read"].isna().all()


def test_a_chain_all_accepted_and_one_all_rejected() -> None:
    accepted = joined(likely=0.0, top=10_000)
    assert accepted.table()["tokens.rejected"].sum() == 0
    assert (accepted.table()["hidden.rejected"] == 0).all()
    assert "rejects no token" in repr(accepted)
    rejected = joined(likely=0.999)
    assert (rejected.table()["hidden.rejected"] == rejected.table()["whole"]).all()
    frame = rejected.agreed()
    row = frame[(frame["score"] == "rejected") & (frame["kind"] == "all")].iloc[0]
    assert row["correlation_without"] == 3
    assert np.isnan(row["correlation"])
    assert rejected.carried().set_index("set").loc["random", "share"] == pytest.approx(1)


def test_within_noise_shares_and_scores_are_undefined() -> None:
    found = joined(min_te=1e6)
    assert found.table()["share.rejected"].isna().all()
    assert np.isnan(found.carried()["share"]).all()
    assert (found.agreed()["correlation_without"][:1] == 3).all()
    assert found.manifest["summary"]["carried"]["rejected"]["value"] is None
    assert any("no more than 1e+06 nats" in note for note in found.notes())


def test_a_run_is_written_read_back_and_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    first = joined([PAIR], out=out, teacher=tiny.model("neox"))
    again = mediate.open(out)
    assert isinstance(again, mediate.TokenJoin)
    assert again.tokens().equals(first.tokens())
    assert again.table().equals(first.table())
    assert again.manifest["summary"] == first.manifest["summary"]
    assert {"teacher_surprisal", "divergence"} <= set(again.agreed()["score"])
    monkeypatch.setattr(module, "prepare", None)  # nothing is computed again
    assert joined([PAIR], out=out, teacher=tiny.model("neox")).tokens().equals(first.tokens())
    with pytest.raises(InputError, match="holds another run"):
        joined([PAIR], out=out)
    with pytest.raises(InputError, match="holds another run"):
        joined([PAIR], out=out, teacher=tiny.model("neox"), most=0.2)
    other = mediate.Pair("p", "g", PAIR.base, mediate.Item(TWIN.question, "6", "Tom has 2 + 4 = 6."))
    with pytest.raises(InputError, match="holds another run"):
        joined([other], out=out, teacher=tiny.model("neox"))


def test_what_was_hidden_is_stored_and_read(monkeypatch: pytest.MonkeyPatch) -> None:
    first = joined(likely=0.01)
    monkeypatch.setattr(module, "hidden_together", None)
    assert joined(likely=0.01).table().equals(first.table())
    with pytest.raises(TypeError):
        joined(likely=0.01, store=False)


def test_what_memory_does_not_hold_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    real = module.hidden_together

    def tight(model: Any, sights: Any, sets: Any, outcome: Any) -> Any:
        if sights.item.id == "b":
            raise RuntimeError("[enforce fail] not enough memory: you tried to allocate")
        return real(model, sights, sets, outcome)

    monkeypatch.setattr(module, "hidden_together", tight)
    found = joined(store=False)
    assert found.table()["item"].tolist() == ["a", "c"]
    assert [(each.item, each.code) for each in found.rejects] == [("b", "out_of_memory")]
    monkeypatch.setattr(module, "hidden_together", lambda *_: (_ for _ in ()).throw(RuntimeError("something else")))
    with pytest.raises(RuntimeError, match="something else"):
        joined(store=False)


def test_bad_input_is_told_in_a_line() -> None:
    bad = mediate.Item(APPLES, "7", "Tom has zebras.", id="z")
    with pytest.raises(ItemError, match="zebras"):
        joined([*ITEMS, bad])
    found = joined([*ITEMS, bad], on_bad_item="skip")
    assert [(each.item, each.code) for each in found.rejects] == [("z", "unknown_words")]
    assert found.manifest["counts"]["measured"] == 3
    with pytest.raises(InputError, match="load it first"):
        mediate.join_tokens("llama", ITEMS)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no option 'cap'"):
        joined(cap=5)
    with pytest.raises(InputError, match="another tokenizer"):
        joined(teacher=mediate.load("reference-0.1m", device="cpu"))


@pytest.mark.parametrize(("name", "value"), [("most", 0), ("most", 0.6), ("states", -1), ("likely", 1.0), ("top", 0)])
def test_numbers_out_of_range_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=name):
        joined(**{name: value})


def test_maps_that_were_stored_without_the_effect_of_all_cells_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, real = joined().table(), module.measure_items

    def old(*given: Any) -> Any:
        for each, sights in real(*given):
            yield replace(each, maps=tuple(replace(one, joint=None) for one in each.maps)), sights

    monkeypatch.setattr(module, "measure_items", old)
    assert joined().table().equals(whole)
