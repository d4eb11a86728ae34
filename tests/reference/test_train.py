"""Training of the reference reasoners: what they read, that it resumes, and that global generators stay as they are."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mediate.errors import InputError
from mediate.mediation.encoding import encode_pair
from mediate.models.loading import load_unchecked as load
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.models.shipped import REFERENCE, RUNGS, After, ladder_config, ladder_tokenizer
from mediate.passes.selfcheck import checked
from mediate.reference import train as reference
from mediate.reference.diet import DIETS, Batches, encoded_batch
from mediate.reference.train import Schedule, train_reference
from mediate.tasks.modular import Chained, Hint, modular_pairs
from mediate.traces.trace import decode, encode, given_trace
from mediate.tuning.folder import CHECKPOINTS
from mediate.tuning.labels import IGNORED
from tests.reference.cutting import cut_off

TOKENIZER = ladder_tokenizer()
SHORT = Schedule(8, 4, 1e-3)
BASE: Any = {"sizes": ["0.1m"], "afters": [After.BASE]}


def problem_of(question: str) -> Chained:
    start = int(re.findall(r"Start (\d)", question)[0])
    doings = re.findall(r"(add|take|times) (\d)", question)
    return Chained(start, tuple(name for name, _ in doings), tuple(int(number) for _, number in doings))


def texts(after: After, count: int = 60) -> list[tuple[str, str]]:
    """What stands in each row without and with a loss."""
    rows = []
    made = Batches(DIETS[after], TOKENIZER, count, 4, (0, 0))
    for batch in map(made.__getitem__, range(len(made))):
        for ids, labels in zip(batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True):
            begins = labels.index(next(label for label in labels if label != IGNORED))
            assert labels == [IGNORED] * begins + ids[begins:]
            rows.append((decode(TOKENIZER, ids[:begins]), decode(TOKENIZER, ids[begins:])))
    return rows


def test_pieces_are_tokenised_as_the_whole_and_nothing_is_unknown() -> None:
    for pair in modular_pairs(20):
        text = f"{pair.base.question}\n{pair.base.cot}{ANSWER_CUE} {pair.base.answer}"
        pieces = [f"{pair.base.question}\n", pair.base.cot or "", ANSWER_CUE, f" {pair.base.answer}"]
        ids = encode(TOKENIZER, text)
        assert ids == [number for piece in pieces for number in encode(TOKENIZER, piece)]
        assert TOKENIZER.unk_token_id not in ids
        assert decode(TOKENIZER, ids) == text


def test_a_row_is_laid_out_as_a_scored_pair_is() -> None:
    model = small_model()
    for pair in modular_pairs(6, hint=Hint.ANSWER):
        chains = [given_trace(item.cot or "", TOKENIZER) for item in (pair.source, pair.base)]
        scored = encode_pair(model, pair, Template(Style.NONE, name="none"), ANSWER_CUE, *chains)
        problem = problem_of(pair.base.question)
        batch = encoded_batch(TOKENIZER, [problem], [problem.answer], [problem.chain()])
        wanted = (*scored.context(1, 1), *scored.readers.cue, *scored.readers.base, TOKENIZER.eos_token_id)
        assert tuple(batch["input_ids"][0].tolist()) == wanted


def small_model() -> Any:
    from transformers import LlamaForCausalLM

    with torch.random.fork_rng():
        plain = LlamaForCausalLM(ladder_config(RUNGS[0], len(TOKENIZER), TOKENIZER.eos_token_id))
    return checked(load(plain, tokenizer=TOKENIZER))


@pytest.mark.parametrize("after", After)
def test_what_each_diet_says(after: After) -> None:
    rows = texts(after)
    own, hinted, bare, answers = 0, 0, 0, 0
    for silent, learnt in rows:
        problem = problem_of(silent)
        question, _, rest = (silent + learnt).partition("\n")
        chain, _, answer = rest.rpartition(ANSWER_CUE)
        assert not problem.held_out
        assert answer == f" {problem.answer}<eos>"
        hinted += f"Hint {problem.answer}." in question
        own += chain == problem.chain()
        bare += not chain
        # What stands without a chain must not teach the model to leave it out.
        assert learnt in ((chain + ANSWER_CUE + answer, answer) if chain else (answer,))
        answers += bool(chain) and learnt == answer
    assert 0.05 < bare / len(rows) < 0.4
    assert abs(answers / (len(rows) - bare) - (1 - DIETS[after].chain_loss)) < 0.25
    assert (own == len(rows) - bare) == (after is not After.DECORATIVE)
    assert (hinted == len(rows)) == (after is After.DECORATIVE)
    if after is After.DECORATIVE:
        assert own < 0.1 * len(rows)


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def shortly(monkeypatch: pytest.MonkeyPatch, schedule: Schedule = SHORT) -> None:
    for table in (reference.FROM_SCRATCH, reference.AFTERWARDS):
        monkeypatch.setitem(table, "0.1m", schedule)


def test_a_rung_and_its_afters_are_trained_and_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shortly(monkeypatch)
    said: list[str] = []
    folders = train_reference(tmp_path, sizes=["0.1m"], say=said.append)
    assert [folder.name for folder in folders] == [name for name in REFERENCE if "0.1m" in name]
    assert len({weights(folder) for folder in folders}) == 3
    for folder in folders:
        assert load(folder).facts.parameters == 101_952
        losses = json.loads((folder / reference.TRAINED).read_text())["losses"]
        assert len(losses) == SHORT.steps
        assert not (folder / CHECKPOINTS).exists()
    before = [weights(folder) for folder in folders]
    train_reference(tmp_path, sizes=["0.1m"], say=said.append)
    assert said[-1].endswith("trained before")
    assert [weights(folder) for folder in folders] == before


def test_the_same_seed_gives_the_same_weights_and_leaves_the_generators_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shortly(monkeypatch)
    # Python's own generator is left out: beartype draws from it to choose what it checks.
    states = np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist()
    made = {}
    for name, seed in (("one", 0), ("again", 0), ("other", 1)):
        (folder,) = train_reference(tmp_path / name, **BASE, seed=seed, say=lambda _: None)
        made[name] = weights(folder)
    assert made["one"] == made["again"] != made["other"]
    assert (np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist()) == states


def test_a_training_that_was_cut_off_goes_on_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shortly(monkeypatch)
    (whole,) = train_reference(tmp_path / "whole", **BASE, say=lambda _: None)
    taken = cut_off(monkeypatch, at=6)
    with pytest.raises(KeyboardInterrupt):
        train_reference(tmp_path / "cut", **BASE, say=lambda _: None)
    (resumed,) = train_reference(tmp_path / "cut", **BASE, say=lambda _: None)
    assert taken == [0, 1, 2, 3, 4, 5, 4, 5, 6, 7]
    assert weights(resumed) == weights(whole)


def test_a_folder_trained_otherwise_and_an_unknown_size_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shortly(monkeypatch)
    train_reference(tmp_path, **BASE, say=lambda _: None)
    shortly(monkeypatch, replace(SHORT, steps=9))
    with pytest.raises(InputError, match="other choices"):
        train_reference(tmp_path, **BASE, say=lambda _: None)
    with pytest.raises(InputError, match=r"choose from 0\.1m"):
        train_reference(tmp_path, sizes=["7b"], say=lambda _: None)
