"""The layout is scoring's, token for token, and the loss is on the completion alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from mediate.errors import InputError, ItemError
from mediate.mediation.encoding import encode_question, encode_readers
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.pairs import Item, Pair
from mediate.traces.trace import encode, given_trace
from mediate.tuning.arms.arm import Encoded
from mediate.tuning.base import Base, load_base
from mediate.tuning.examples import Example
from mediate.tuning.labels import IGNORED
from mediate.tuning.quiet import undisturbed
from mediate.tuning.spec import TuneSpec, make_tune_spec
from mediate.tuning.tokens import check_length, encode_example, pad_id
from mediate.tuning.trainers import Course, make_trainer
from tests import tiny
from tests.tuning.subjects import base_folder, examples, without_eos

CHAT = "{% for message in messages %}<|im_start|>{{ message['content'] }}<|im_end|>{% endfor %}<|header|>"
TEMPLATES = {
    "none": Template(Style.NONE, name="none"),
    "completion": Template(Style.COMPLETION, "Q: {question}\nA:", "few"),
    "chat": Template(Style.CHAT, CHAT, "chat"),
}
ONE = Example("e", "g", "Tom has 3 apples and buys 4.", " 7", "Tom has 3 + 4 = 7 <|im_end|> apples.")
WORSE = Example("e", "g", ONE.question, "7", ONE.chain, "Tom has 3 + 5 = 8 apples.", "8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_folder(tmp_path_factory.mktemp("base") / "m")


@pytest.fixture
def base(folder: Path) -> Base:
    return load_base(folder)  # anew for each test, since trainers change what they are given


def trainer_of(base: Base, rows: list[Encoded], spec: TuneSpec, folder: Path) -> Any:
    with undisturbed():
        return make_trainer(base, rows, spec, Course(folder, 2, 1, cpu=True))


@pytest.mark.parametrize("template", TEMPLATES)
def test_question_chain_cue_and_answer_have_the_ids_of_scoring(template: str) -> None:
    # Another tokenizer beside the model's changes nothing: what scoring does with one is the question.
    tokenizer = tiny.byte_level()
    model = replace(tiny.model("llama"), tokenizer=tokenizer)
    spec = make_tune_spec(arm="lora", template=TEMPLATES[template])
    found = encode_example(tokenizer, ONE, spec)
    pair = Pair("e", "g", Item(ONE.question, "7", ONE.chain), Item("Tom has 2 apples.", "6"))
    readers = encode_readers(tokenizer, pair, ANSWER_CUE)
    assert found.prompt == encode_question(model, TEMPLATES[template], ONE.question)
    chain = given_trace(ONE.chain or "", tokenizer).ids
    assert found.completion == (*chain, *readers.cue, *readers.base, tokenizer.eos_token_id)
    assert tokenizer.eos_token_id not in found.completion[:-1]  # markup in the data stays text


def test_each_arm_learns_its_part() -> None:
    tokenizer = tiny.byte_level()
    question = tuple(encode(tokenizer, ONE.question + "\n"))
    chain, cue, answer = (tuple(encode(tokenizer, text)) for text in (ONE.chain, ANSWER_CUE, " 7"))
    end = (*cue, *answer, tokenizer.eos_token_id)

    def parts(arm: str, example: Example = ONE, **options: object) -> tuple[tuple[int, ...], ...]:
        found = encode_example(tokenizer, example, make_tune_spec(arm=arm, **options))
        return found.prompt, found.completion, found.rejected

    assert parts("sft") == parts("lora") == (question, chain + end, ())
    assert parts("answer-only") == (question, end, ())
    assert parts("answer-only", keep_chain=True) == (question + chain, end, ())
    assert WORSE.rejected is not None
    worse = tuple(encode(tokenizer, WORSE.rejected)) + cue
    eight = tuple(encode(tokenizer, " 8"))
    assert parts("dpo", WORSE) == (question, chain + end, (*worse, *eight, tokenizer.eos_token_id))
    same_answer = Example("e", "g", ONE.question, "7", ONE.chain, WORSE.rejected)
    assert parts("dpo", same_answer)[2] == (*worse, *answer, tokenizer.eos_token_id)


@pytest.mark.parametrize("arm", ["sft", "lora", "answer-only"])
def test_the_trainers_batch_masks_all_but_the_completion(base: Base, arm: str, tmp_path: Path) -> None:
    spec = make_tune_spec(arm=arm, batch_size=3)
    rows = [encode_example(base.tokenizer, each, spec) for each in examples(6)]
    assert len({row.length for row in rows}) > 1, "no padding to mask"
    trainer = trainer_of(base, rows, spec, tmp_path)
    seen = []
    for batch in trainer.get_train_dataloader():
        for ids, labels, mask in zip(batch["input_ids"], batch["labels"], batch["attention_mask"], strict=True):
            whole = tuple(ids[mask.bool()].tolist())
            row = next(each for each in rows if each.prompt + each.completion == whole)
            seen.append(row.id)
            assert labels[: len(row.prompt)].eq(IGNORED).all()
            assert tuple(labels[len(row.prompt) : row.length].tolist()) == row.completion
            assert labels[row.length :].eq(IGNORED).all()
            assert mask[row.length :].eq(0).all()
    assert sorted(seen) == sorted(row.id for row in rows)


def test_dpo_trains_on_our_ids(base: Base, tmp_path: Path) -> None:
    spec = make_tune_spec(arm="dpo", batch_size=2)
    rows = [encode_example(base.tokenizer, each, spec) for each in examples(6)]
    trainer = trainer_of(base, rows, spec, tmp_path)
    seen = []
    for batch in trainer.get_train_dataloader():
        found = [
            (tuple(ids[mask.bool()].tolist()), tuple(ids[done.bool()].tolist()))
            for ids, mask, done in zip(
                batch["input_ids"], batch["attention_mask"], batch["completion_mask"], strict=True
            )
        ]
        half = len(found) // 2
        for chosen, rejected in zip(found[:half], found[half:], strict=True):
            row = next(each for each in rows if each.prompt + each.completion == chosen[0])
            assert chosen[1] == row.completion
            assert rejected == (row.prompt + row.rejected, row.rejected)
            seen.append(row.id)
    assert sorted(seen) == sorted(row.id for row in rows)


@pytest.mark.parametrize("arm", ["sft", "answer-only"])
def test_the_loss_is_the_completions_mean_negative_log_probability(base: Base, arm: str, tmp_path: Path) -> None:
    spec = make_tune_spec(arm=arm, batch_size=3)
    rows = [encode_example(base.tokenizer, each, spec) for each in examples(3)]
    surprise, count = 0.0, 0
    for row in rows:  # one by one, without padding
        ids = torch.tensor([row.prompt + row.completion])
        with torch.no_grad():
            said = base.plain(input_ids=ids).logits[0, len(row.prompt) - 1 : -1].log_softmax(-1)
        surprise -= float(said[range(len(row.completion)), list(row.completion)].sum())
        count += len(row.completion)
    trainer = trainer_of(base, rows, spec, tmp_path)
    (batch,) = trainer.get_train_dataloader()
    with torch.no_grad():
        loss = trainer.compute_loss(trainer.model.eval(), dict(batch))
    assert float(loss) == pytest.approx(surprise / count, rel=1e-5)


def test_too_long_is_refused_with_its_count() -> None:
    tokenizer = tiny.byte_level()
    spec = make_tune_spec(arm="lora", max_length=20)
    row = encode_example(tokenizer, ONE, spec)
    with pytest.raises(ItemError, match=rf"'e': {row.length} tokens, and max_length is 20"):
        check_length(row, ONE, spec, 512)
    with pytest.raises(ItemError, match=rf"{row.length} tokens, and the model's context is 10"):
        check_length(row, ONE, spec, 10)
    check_length(row, ONE, make_tune_spec(arm="lora"), row.length)
    with pytest.raises(ItemError):
        check_length(row, ONE, make_tune_spec(arm="lora"), row.length - 1)


def test_what_an_arm_needs_is_asked_for() -> None:
    bare = Example("e", "g", "How many?", "7")
    tokenizer = tiny.byte_level()
    for arm, options in (("sft", {}), ("lora", {}), ("dpo", {}), ("answer-only", {"keep_chain": True})):
        with pytest.raises(ItemError, match="has no 'chain'"):
            encode_example(tokenizer, bare, make_tune_spec(arm=arm, **options))
    encode_example(tokenizer, bare, make_tune_spec(arm="answer-only"))
    with pytest.raises(ItemError, match="has no 'rejected'"):
        encode_example(tokenizer, ONE, make_tune_spec(arm="dpo"))
    with pytest.raises(ItemError, match="are the chain and answer"):
        encode_example(tokenizer, Example("e", "g", "Q", "7", "C", "C"), make_tune_spec(arm="dpo"))


def test_padding_is_the_eos_where_there_is_none_and_neither_is_an_error() -> None:
    tokenizer = tiny.byte_level()
    assert tokenizer.pad_token_id is None
    assert pad_id(tokenizer) == tokenizer.eos_token_id
    with pytest.raises(InputError, match="no EOS token"):
        pad_id(without_eos())
    with pytest.raises(InputError, match="no EOS token"):
        encode_example(without_eos(), ONE, make_tune_spec(arm="lora"))
