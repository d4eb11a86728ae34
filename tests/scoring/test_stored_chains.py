"""One model reads the chains that another wrote in a finished run."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mediate.errors import InputError, ItemError
from mediate.models.generation import End, Written
from mediate.pairs.files import write_pairs
from mediate.pairs.pair import Item, Pair
from mediate.report.comparison.comparison import compare
from mediate.results import Results, corners, read_results, write_results
from mediate.scoring.score import score
from mediate.scoring.spec import make_spec
from mediate.scoring.stored_chains import read_chains
from tests import tiny
from tests.scoring.test_score import pair
from tests.test_cli import assert_refused
from tests.test_cli import mediate as command

CHOICES = {"control_pairs": 0, "maps": (), "on_bad_item": "skip", "max_new_tokens": 24}
PAIRS = tuple(pair(number, cot=False) for number in range(1, 6))
ENDLESS = "p4"


def write(model, prompts, decoding, *, progress):
    """What the models write: each its own words, and after one pair's question no end."""
    found = []
    for prompt in prompts:
        asked = tiny.tokenizer().decode(prompt)
        apples = asked[len("Tom has ")]
        words = f"Tom has {apples} pears." if "Qwen" in model.facts.architecture else f"Tom buys {apples} apples."
        ids = tuple(tiny.tokenizer()(words, add_special_tokens=False)["input_ids"])
        found.append(Written(ids, words, End.LENGTH if apples == "9" else End.STOP))
    return found


@pytest.fixture(autouse=True, scope="module")
def writing():
    with pytest.MonkeyPatch.context() as patch:
        tiny.instead_of_writing(patch, write)
        yield


def run(architecture: str, pairs=PAIRS, out: Path | None = None, **choices) -> Results:
    pairs = [replace(each, base=replace(each.base, question="Tom has 9 apples.")) if each.id == ENDLESS else each
             for each in pairs]  # fmt: skip
    return score(tiny.model(architecture), pairs, make_spec(**(CHOICES | choices)), out=out)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, writing: None) -> Path:
    """A run whose model wrote the chains of all pairs but one."""
    folder = tmp_path_factory.mktemp("runs") / "llama"
    results = run("llama", out=folder)
    assert len(results.items) == len(PAIRS) - 1
    assert [each.item for each in results.rejects] == [ENDLESS]
    return folder


def texts(results: Results) -> dict[str, tuple[str, str]]:
    return {item.id: ("".join(item.base.tokens), "".join(item.source.tokens)) for item in results.items}


def test_another_model_reads_the_same_words(written: Path, tmp_path: Path) -> None:
    own = read_results(written)
    read = run("qwen3", out=tmp_path / "run", chains=written)
    assert texts(read) == texts(own)
    assert not any(world.written for item in read.items for world in (item.base, item.source))
    writer = read.manifest["writer"]
    facts = tiny.model("llama").facts
    assert (writer["name"], writer["fingerprint"]) == (facts.name, facts.fingerprint)
    assert read.manifest["spec"]["chains"]["sha256"] == writer["sha256"]
    assert texts(run("qwen3")) != texts(own)
    again = json.loads((tmp_path / "run" / "run.json").read_text())
    assert again["writer"] == writer
    assert all(item.base.said is not None for item in read.items), "what it answers after another's chain is asked"


def test_reading_its_own_chains_back_is_the_own_run_where_tokens_are_the_same(written: Path) -> None:
    own = read_results(written)
    back = run("llama", chains=written)
    same = [item.id for item, other in zip(own.items, back.items, strict=True) if item.base.tokens == other.base.tokens
            and item.source.tokens == other.source.tokens]  # fmt: skip
    assert same
    moved = sum(
        one.tokens != other.tokens
        for item, twin in zip(own.items, back.items, strict=True)
        for one, other in ((item.base, twin.base), (item.source, twin.source))
    )
    assert back.manifest["writer"]["retokenised"] == moved
    for name in same:
        row = back.cubes[0].items.index(name)
        np.testing.assert_allclose(back.cubes[0].y[row], own.cubes[0].y[row], atol=1e-4)


def test_other_tokens_of_the_same_words_are_counted(written: Path, tmp_path: Path) -> None:
    own = read_results(written)
    first = own.items[0]
    # As if the writer's tokens had been single characters.
    letters = tuple("".join(first.base.tokens))
    odd = replace(first, base=replace(first.base, tokens=letters, steps=(0,) * len(letters), states_answer=None))
    write_results(tmp_path / "odd", replace(own, items=(odd, *own.items[1:])))
    before = run("llama", chains=written).manifest["writer"]["retokenised"]
    read = run("llama", chains=tmp_path / "odd")
    assert "".join(read.items[0].base.tokens) == "".join(letters)
    assert read.items[0].base.tokens != letters
    expected = before + (first.base.tokens == read.items[0].base.tokens)
    assert read.manifest["writer"]["retokenised"] == expected


def test_words_that_the_tokenizer_does_not_know_are_refused(written: Path, tmp_path: Path) -> None:
    own = read_results(written)
    first = own.items[0]
    odd = replace(
        first, source=replace(first.source, tokens=(*first.source.tokens, " 🙂"), steps=(*first.source.steps, 0))
    )
    write_results(tmp_path / "odd", replace(own, items=(odd, *own.items[1:])))
    read = run("llama", chains=tmp_path / "odd")
    assert [(each.item, each.code) for each in read.rejects if each.item == first.id] == [(first.id, "not_encodable")]
    assert len(read.items) == len(own.items) - 1


def test_a_chain_handed_on_keeps_its_writer(written: Path, tmp_path: Path) -> None:
    run("qwen3", out=tmp_path / "read", chains=written)
    third = read_chains(tmp_path / "read")
    assert third.fingerprint == tiny.model("llama").facts.fingerprint
    assert third.described() == read_chains(written).described()


def test_items_without_a_chain_are_named(written: Path) -> None:
    known = read_results(written)
    item = next(each for each in PAIRS if each.id == known.items[0].id)
    stranger = replace(pair(12, cot=False), id="new", place="pairs.jsonl:9")
    otherwise = replace(item, base=Item("Tom has 5 apples.", "77"))
    brings = Pair(known.items[1].id, "g", *(Item(each.question, each.answer, "Tom counts. 5.") for each in (
        known.items[1].base, known.items[1].source)))  # fmt: skip
    cases = {"no_chain": stranger, "other_content": otherwise, "two_chains": brings}
    for code, bad in cases.items():
        with pytest.raises(ItemError, match=f"item {bad.id!r}") as error:
            run("llama", [bad], chains=written, on_bad_item="error")
        assert error.value.code == code
        assert "\n" not in str(error.value)
    others = [each for each in PAIRS if each.id not in (otherwise.id, brings.id)]
    skipped = run("llama", [*others, *cases.values()], chains=written)
    assert set(cases) <= set(skipped.manifest["counts"]["by_reason"])
    assert {"new", otherwise.id, brings.id}.isdisjoint(each.id for each in skipped.items)
    reason = next(each.reason for each in skipped.rejects if each.item == ENDLESS)
    assert "left out there (endless_cot)" in reason


def test_an_answer_may_be_spelt_otherwise_but_not_be_another(written: Path) -> None:
    chains, known = read_chains(written), read_results(written).items[0]
    item = next(each for each in PAIRS if each.id == known.id)
    spelt = replace(item, base=replace(item.base, answer=f"{item.base.answer}.0"))
    other = replace(item, base=replace(item.base, answer=f"{item.base.answer}1"))
    tokenizer = tiny.model("llama").tokenizer
    assert chains.traces(spelt, tokenizer) == chains.traces(item, tokenizer)
    with pytest.raises(ItemError, match="another question or answer"):
        chains.traces(other, tokenizer)


def test_runs_that_have_no_written_chains_are_refused(tmp_path: Path) -> None:
    run("llama", [pair(1)], out=tmp_path / "given")
    with pytest.raises(InputError, match=r"option 'chains': .*given: no model wrote its chains; put"):
        make_spec(chains=tmp_path / "given")
    with pytest.raises(InputError, match=r"option 'chains': .*nowhere: not a run directory"):
        make_spec(chains=str(tmp_path / "nowhere"))


def test_a_directory_is_taken_up_only_with_the_same_chains(written: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = run("qwen3", out=out, chains=written)
    assert run("qwen3", out=out, chains=written).manifest == first.manifest
    with pytest.raises(InputError, match=r"holds another run \(option 'chains'"):
        run("qwen3", out=out)


def test_the_description_depends_on_the_words_alone(written: Path, tmp_path: Path) -> None:
    own = read_results(written)
    write_results(tmp_path / "copy", own)
    assert make_spec(chains=tmp_path / "copy").described() == make_spec(chains=written).described()
    first = own.items[0]
    changed = replace(first, base=replace(first.base, tokens=(*first.base.tokens[:-1], " otherwise")))
    write_results(tmp_path / "other", replace(own, items=(changed, *own.items[1:])))
    assert make_spec(chains=tmp_path / "other").described() != make_spec(chains=written).described()


def test_two_models_reading_each_other_are_split_into_writing_and_reading(tmp_path: Path) -> None:
    choices = {"maps": ("read:step,layer",)}
    for name, model, chains in (
        ("aa", "llama", None),
        ("bb", "qwen3", None),
        ("ab", "llama", "bb"),
        ("ba", "qwen3", "aa"),
    ):
        run(model, out=tmp_path / name, chains=None if chains is None else tmp_path / chains, **choices)
    found = compare(*(tmp_path / name for name in ("aa", "ab", "ba", "bb")), draws=100, flips=100)
    assert found.design == "reader x writer"
    writers = found.runs().set_index("run")["writer_fingerprint"].to_dict()
    llama, qwen = (tiny.model(name).facts.fingerprint for name in ("llama", "qwen3"))
    assert writers == {"aa": llama, "ab": qwen, "ba": llama, "bb": qwen}
    split = found.split().query("outcome == 'logit_diff' and quantity == 'tie'").set_index("part")["value"]
    tie = {name: float(corners(read_results(tmp_path / name).cubes[0].y).tie.mean()) for name in writers}
    assert split["total"] == pytest.approx(tie["bb"] - tie["aa"])
    assert split["writes different chains"] == pytest.approx((tie["ab"] - tie["aa"] + tie["bb"] - tie["ba"]) / 2)
    assert split["reads chains differently"] == pytest.approx((tie["ba"] - tie["aa"] + tie["bb"] - tie["ab"]) / 2)
    assert abs(split["writes different chains"]) > 1e-3
    shared = compare(tmp_path / "aa", tmp_path / "ba", draws=100, flips=100)
    assert shared.design == "shared trace"
    assert "by step" in set(shared.maps()["scope"])
    assert compare(tmp_path / "aa", tmp_path / "bb", draws=100, flips=100).design == "own trace"
    with pytest.raises(InputError, match="item 'p1': its chains in two runs differ"):
        compare(tmp_path / "aa", tmp_path / "ab")


def test_the_command_takes_the_chains_of_a_run(written: Path, tmp_path: Path) -> None:
    tiny.plain_model("qwen3").save_pretrained(tmp_path / "model")
    tiny.tokenizer().save_pretrained(tmp_path / "model")
    write_pairs(tmp_path / "pairs.jsonl", [each for each in PAIRS if each.id != ENDLESS])
    arguments = (
        "score",
        "pairs.jsonl",
        "--model",
        tmp_path / "model",
        "--out",
        "run",
        "--control-pairs",
        0,
        "--no-report",
    )
    done = command(*arguments, "--chains", written, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    read = read_results(tmp_path / "run")
    assert texts(read) == texts(read_results(written))
    assert read.manifest["writer"]["fingerprint"] == tiny.model("llama").facts.fingerprint
    assert_refused(command(*arguments, "--chains", "nowhere", cwd=tmp_path), "--chains", "not a run directory")
