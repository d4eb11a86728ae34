"""What a run measures is the text that it names: with spaces put first, templates that change questions, and a date."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

import mediate
from mediate.errors import InputError, ItemError
from mediate.models.generation import Decoding, generate
from mediate.models.prompts import NONE, Style, Template, question_ids
from mediate.pairs.pair import Item, Pair
from mediate.scoring.rundir import check_same
from mediate.scoring.score import score
from mediate.scoring.spec import make_spec
from mediate.traces.pieces import decode, decode_after, encode_after
from mediate.traces.trace import given_trace, written_trace
from tests.traces.spellings import FORMS, spaced

PAIRS = tuple(
    Pair(
        f"p{number}",
        f"g{number}",
        Item(f"Tom has {number}.", str(number + 2), f"Tom has {number + 2}."),
        Item(f"Tom has {number + 1}.", str(number + 3), f"Tom has {number + 3}."),
    )
    for number in (1, 2)
)
DATED = "{% for m in messages %}On {{ strftime_now('%d %b') }}: {{ m.content | trim }}\n{% endfor %}"


@cache
def model(form: str) -> Any:
    import transformers as tf

    tokenizer = spaced(form)
    shape = {"vocab_size": len(tokenizer), "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2}
    config = tf.LlamaConfig(**shape, num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=256)
    config.bos_token_id = config.eos_token_id = None
    with torch.random.fork_rng():
        torch.manual_seed(0)
        plain = tf.AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
        for weight in plain.parameters():
            if weight.ndim > 1:
                weight.data.copy_(torch.randn_like(weight) * 0.3)
    return mediate.load(plain, tokenizer=tokenizer, device="cpu")


def measured(form: str, pairs: Any = PAIRS, **options: Any) -> Any:
    return score(model(form), pairs, make_spec(control_pairs=0, maps=(), **options))


@pytest.mark.parametrize("form", ["llama 2, first", "llama 2, older file", "phi-3, control tokens take their space"])
def test_the_corners_are_the_plain_models_on_the_very_text(form: str) -> None:
    """The text is tokenised as a whole by the tokenizer itself; no merge of these toy forms crosses two parts."""
    results, plain, tokenizer = measured(form), model(form).plain, spaced(form)
    for number, pair in enumerate(PAIRS):
        for corner, item in (((1, 1, 1), pair.base), ((0, 0, 0), pair.source)):
            ids = tokenizer(f"{item.question}\n{item.cot}\nThe answer is ")["input_ids"]
            answers = [tokenizer.convert_tokens_to_ids(each.answer) for each in (pair.base, pair.source)]
            with torch.no_grad():
                last = plain(torch.tensor([ids])).logits[0, -1].double()
            wanted = float(last[answers[0]] - last[answers[1]])
            assert results.cubes[0].y[number][corner] == pytest.approx(wanted, abs=1e-4)
    assert results.manifest["prompt"] == {"pieces": "no space put before"}
    assert results.manifest["prompt_example"].lstrip() == "Tom has 1.\nTom has 3.\nThe answer is"


@pytest.mark.parametrize("form", FORMS)
def test_what_the_model_wrote_reads_on_after_its_prompt(form: str) -> None:
    """And given as text, it is the same text again."""
    tokenizer = spaced(form)
    prompt = question_ids(tokenizer, NONE, "Tom has 3.")
    found = generate(model(form), [prompt], Decoding(max_new_tokens=12, temperature=1.0, seed=2))[0]
    spoken = next(
        cut for cut in range(len(found.ids), -1, -1) if "\ufffd" not in decode_after(tokenizer, found.ids[:cut])
    )
    ids = found.ids[:spoken] or tuple(encode_after(tokenizer, " Tom has"))
    trace = written_trace(ids, tokenizer)
    assert decode(tokenizer, [*prompt, *ids]) == decode(tokenizer, prompt) + trace.text
    assert given_trace(trace.text, tokenizer).text == trace.text


def test_the_date_is_held_and_recorded_and_a_run_of_before_is_not_taken_up(tmp_path: Path) -> None:
    template = Template(Style.CHAT, DATED, "dated")
    results = measured("llama 2, first", template=template)
    assert results.manifest["prompt"]["date"] == "2024-07-26"
    assert results.manifest["prompt"]["format"] == "On 26 Jul: {question}\n"
    assert "On 26 Jul: Tom has 1.\n" in results.manifest["prompt_example"]
    keys = ("schema", "spec", "pairs", "model", "versions", "prompt")
    identity = json.loads(json.dumps({key: results.manifest[key] for key in keys}))
    before = {key: identity[key] for key in keys[:-1]}
    check_same(tmp_path, identity, identity)
    with pytest.raises(InputError, match=r"holds another run \(prompt is None there"):
        check_same(tmp_path, before, identity)
    check_same(tmp_path, before, identity | {"prompt": {"format": "a{question}"}})  # said by template and tokenizer too
    check_same(tmp_path, before, identity | {"prompt": {}})


def test_questions_that_a_template_makes_the_same_are_refused() -> None:
    template = Template(
        Style.CHAT, "{% for m in messages %}{{ m.content[:8] }}{{ m.content[8:] | trim }}{% endfor %}", "t"
    )
    pair = Pair("a", "g", Item("Tom has  3.", "3", "x 3."), Item("Tom has   3.", "4", "x 4."), "pairs.jsonl:4")
    with pytest.raises(ItemError, match=r"pairs.jsonl:4: item 'a': both worlds ask the same question"):
        measured("llama 2, first", [pair], template=template)


def test_a_wider_window_than_the_model_is_refused() -> None:
    for window in ("read.window3:layer", "state.resid_pre.window999:step,layer"):
        with pytest.raises(InputError, match=r"window of \d+ layers, and '.*' has 2; give at most .window2"):
            score(model("llama 2, first"), PAIRS, make_spec(control_pairs=0, maps=[window]))
    assert score(model("llama 2, first"), PAIRS, make_spec(control_pairs=0, maps=["read.window2:layer"])).maps
