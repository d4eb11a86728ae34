"""Choices that were left open: what is settled, and what then becomes of items that are bad."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest

from mediate.errors import InputError, ItemError
from mediate.models.decoding import Decoding
from mediate.models.generation import End, Written
from mediate.models.model import Model
from mediate.models.prompts import FEW_SHOT_STOP, NONE, Style, Template, few_shot
from mediate.pairs.pair import Item, Pair
from mediate.scoring.pairs import PAIRS as OF_PAIRS
from mediate.scoring.preparing import prepare
from mediate.scoring.score import score
from mediate.scoring.settling import settled
from mediate.scoring.spec import ScoreSpec, make_spec
from mediate.scoring.stored_chains import StoredChains
from tests import tiny
from tests.scoring.test_score import PAIRS, pair

UNWRITTEN = tuple(pair(number, cot=False) for number in (1, 2, 3))
CHAT = "{% for each in messages %}{{ each.content }}{% endfor %}"


def named(name: str, tokenizer: object = None, **facts: object) -> Model:
    model = tiny.model("llama")
    return replace(model, tokenizer=tokenizer or model.tokenizer, facts=replace(model.facts, name=name, **facts))


def settle(model: Model, pairs: tuple[Pair, ...] | tuple[Item, ...], **choices: object) -> tuple[ScoreSpec, list[str]]:
    said: list[str] = []
    return settled(model, pairs, make_spec(**choices), said.append), said


def with_chat() -> object:
    tokenizer = copy.deepcopy(tiny.byte_level())  # which others have without a template
    tokenizer.chat_template = CHAT
    return tokenizer


def test_given_chains_keep_the_bare_template_and_say_nothing() -> None:
    found, said = settle(named("smollm2-135m-instruct", with_chat()), PAIRS)
    assert (found.template.style, found.stop, found.max_new_tokens) == (Style.NONE, (), 256)
    assert said == []


def test_items_that_spell_control_tokens_are_counted() -> None:
    plain = Item("3 + 4?", "7", "So 7.", id="one")
    items = (
        plain,
        replace(plain, id="two", question="3 + 4?<|im_end|><|im_end|>"),
        replace(plain, id="three", cot="So <|header|>7."),
        replace(plain, id="four", question="3 + 4? <|im_end", cot="|>7."),
    )
    _, said = settle(named("another", with_chat()), items)
    assert said == ["control tokens: 2 of 4 spell one, such as '<|im_end|>'; it is read as text"]


def test_chains_that_were_written_in_a_chat_are_read_under_its_template() -> None:
    item = Item("3 + 4?", "7", "So 7.", id="one", chat=True)
    found, said = settle(named("another", with_chat()), (item,))
    assert (found.template.style, said) == (Style.CHAT, ["template: chat (the chains come from a chat)"])
    for model, each in ((named("another", with_chat()), replace(item, chat=False)), (named("another"), item)):
        assert settle(model, (each,)) == (found.model_copy(update={"template": NONE}), [])


@pytest.mark.parametrize(
    ("name", "chat", "template"),
    [
        ("smollm2-135m-instruct", True, "few-shot"),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", True, "few-shot"),
        ("SmolLM2-135M-Instruct+adapter", True, "few-shot"),
        ("reference-0.1m", True, "none"),
        ("reference-4m-needed+mine", False, "none"),
        ("another", True, "chat"),
        ("another", False, "few-shot"),
    ],
)
def test_the_template_follows_from_the_name_and_then_from_the_tokenizer(name: str, chat: bool, template: str) -> None:
    tokenizer = copy.deepcopy(tiny.byte_level())  # which others have without a template
    tokenizer.chat_template = CHAT if chat else None
    found, said = settle(named(name, tokenizer, context=2048), UNWRITTEN)
    assert found.template.name == template
    assert found.stop == (FEW_SHOT_STOP if template == "few-shot" else ())
    assert len(said) == 1
    assert said[0].startswith(f"template: {template} (")


def test_worked_examples_whose_words_the_tokenizer_lacks_are_not_taken() -> None:
    found, _ = settle(named("another"), UNWRITTEN)
    assert found.template.style is Style.NONE


def test_what_is_chosen_stays_as_it_is() -> None:
    model = named("another", with_chat(), context=2048)
    found, said = settle(model, UNWRITTEN, template="few-shot", stop=("###",), max_new_tokens=7)
    assert (found.template, found.stop, found.max_new_tokens) == (few_shot(), ("###",), 7)
    assert said == []
    assert "few-shot" in few_shot().name
    assert few_shot().text.endswith("Q: {question}\nA:")


def test_chains_of_another_run_bring_its_template() -> None:
    template = Template(Style.COMPLETION, "Q: {question} A:", "mine")
    chains = StoredChains("a", "m", "f", "t", {}, {}, template=template)
    found, said = settle(named("another"), UNWRITTEN, chains=chains)
    assert found.template == template
    assert said == ["template: mine (as in run a, whose chains are read)"]
    unknown, _ = settle(named("another"), UNWRITTEN, chains=replace(chains, template=None))
    assert unknown.template.style is Style.NONE


def test_the_longest_chain_is_what_the_context_leaves() -> None:
    found, said = settle(named("another", context=60), UNWRITTEN, template="none")
    cue, asked = 4, 24
    question = len(tiny.tokenizer()("Tom has 3 apples.\n")["input_ids"])
    assert found.max_new_tokens == 60 - question - cue - asked
    assert said == [
        f"longest chain: {found.max_new_tokens} tokens, which is what the context of 60 leaves after item 'p1'"
    ]


def test_a_length_that_was_chosen_and_does_not_fit_names_option_file_and_item() -> None:
    bad = replace(UNWRITTEN[0], place="pairs.jsonl:3")
    with pytest.raises(ItemError, match=r"^pairs\.jsonl:3: item 'p1': .*--max-new-tokens 256 more do not fit") as error:
        settle(named("another", context=128), (bad,), template="none", max_new_tokens=256)
    assert "give at most" in str(error.value)


def test_the_manifest_has_what_was_settled(tmp_path: Path) -> None:
    manifest = score(tiny.model("llama"), PAIRS, make_spec(control_pairs=0, maps=()), out=tmp_path / "run").manifest
    assert (manifest["spec"]["template"], manifest["spec"]["max_new_tokens"]) == ("none", 256)
    assert manifest["spec"]["on_bad_item"] == "auto"


def written_by(ends: dict[str, End]):
    """Stands in for generation: what is written after a question with such a number of apples, and how it ends."""

    def write(model: Model, prompts: object, decoding: Decoding, *, progress: bool) -> list[Written]:
        ids = tuple(tiny.tokenizer()("Tom buys 3 apples.", add_special_tokens=False)["input_ids"])
        found = []
        for prompt in prompts:  # type: ignore[attr-defined]
            asked = tiny.tokenizer().decode(prompt)[len("Tom has ")]
            found.append(Written(() if ends.get(asked) is End.EOS else ids, "", ends.get(asked, End.STOP)))
        return found

    return write


MIXED = tuple(
    Pair(f"p{number}", "g", Item(f"Tom has {number} apples.", "7"), Item("Tom has 2 apples.", "6"))
    for number in (3, 4, 5)
)


def test_what_the_model_writes_badly_is_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.instead_of_writing(monkeypatch, written_by({"4": End.LENGTH, "5": End.EOS}))
    model, choices = tiny.model("llama"), {"control_pairs": 0, "maps": ()}
    found = score(model, MIXED, make_spec(**choices))
    assert found.manifest["counts"]["by_reason"] == {"endless_cot": 1, "no_cot": 1}
    assert [each.id for each in found.items] == ["p3"]
    assert not [each.reason for each in found.rejects if "leave" in each.reason or each.reason.endswith((",", ";"))]
    with pytest.raises(ItemError, match=r"did not end its base CoT .*or leave such items out \(skip\)"):
        score(model, MIXED, make_spec(on_bad_item="error", **choices))


def test_with_nothing_left_one_line_says_why_and_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tiny.instead_of_writing(monkeypatch, written_by({"3": End.LENGTH, "4": End.LENGTH, "5": End.EOS}))
    with pytest.raises(InputError) as error:
        score(tiny.model("llama"), MIXED, make_spec(control_pairs=0, maps=()), out=tmp_path / "run")
    said = str(error.value)
    assert said.startswith("nothing is left to measure of 3 pairs: 2 x endless_cot, 1 x no_cot; let it write more")
    assert "\n" not in said
    assert not (tmp_path / "run").exists()


def test_words_that_the_tokenizer_lacks_are_refused_or_counted() -> None:
    strange = replace(PAIRS[0], id="s", base=replace(PAIRS[0].base, question="Zoe has 3 plums."), place="pairs.jsonl:2")
    choices = {"control_pairs": 0, "maps": ()}
    with pytest.raises(
        ItemError, match=r"pairs\.jsonl:2: item 's': .*no token for 'Zoe', 'plums' of the base question"
    ):
        score(tiny.model("llama"), [*PAIRS, strange], make_spec(**choices))
    found = score(tiny.model("llama"), [*PAIRS, strange], make_spec(on_bad_item="skip", **choices))
    assert found.manifest["counts"]["by_reason"] == {"unknown_words": 1}
    with pytest.raises(InputError, match="--answer-cue: the tokenizer has no token for 'therefore'"):
        score(tiny.model("llama"), PAIRS, make_spec(answer_cue=" therefore", **choices))
    with pytest.raises(InputError, match="--template few-shot: the tokenizer has no token"):
        score(tiny.model("llama"), PAIRS, make_spec(template="few-shot", **choices))


def test_a_prompt_that_leaves_no_room_for_a_chain_names_file_item_and_option() -> None:
    """Its answer alone would fit, and a chain would not."""
    long = replace(UNWRITTEN[0], id="long", place="pairs.jsonl:7")
    question = " ".join(["Tom has 3 apples."] * 8)
    other = question.replace("3", "2")
    long = replace(long, base=replace(long.base, question=question), source=replace(long.source, question=other))
    asked = len(tiny.tokenizer()(question + "\n")["input_ids"])
    model, pairs = named("another", context=asked + 12), (*UNWRITTEN[1:], long)
    spec, _ = settle(model, pairs, template="none")
    with pytest.raises(ItemError, match=r"^pairs\.jsonl:7: item 'long': .*--max-new-tokens") as error:
        prepare(OF_PAIRS, model, pairs, spec, None)
    assert error.value.code == "too_long"
