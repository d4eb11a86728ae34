"""A scoring run from pairs to its directory, on a tiny model."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mediate
from mediate.errors import InputError, ItemError
from mediate.mediation import procedures
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.cube import Contexts
from mediate.mediation.outcomes import Outcome, Reading, logit_diff
from mediate.models.model import Model
from mediate.models.sites import Component
from mediate.pairs.pair import Item, Pair
from mediate.passes.store import Store
from mediate.results import Results, corners, read_results, shapley, total_effect
from mediate.results.controls import Control
from mediate.results.cube import cube_table
from mediate.scoring import chains as chains_module
from mediate.scoring import controls as controls_module
from mediate.scoring import jobs
from mediate.scoring.score import score
from mediate.scoring.spec import ScoreSpec, make_spec, pairs_fingerprint
from tests import tiny

SPEC = ScoreSpec()


def pair(number: int, *, base: int = 3, source: int = 2, cot: bool = True) -> Pair:
    def item(apples: int) -> Item:
        chain = f"Tom buys {apples} apples. Tom has {apples} + {number} = {apples + number}."
        return Item(f"Tom has {apples} apples.", str(apples + number), chain if cot else None)

    return Pair(f"p{number}", f"g{number % 2}", item(base), item(source))


def with_procedure(monkeypatch: pytest.MonkeyPatch, **steps: Any) -> None:
    """Takes other steps than the usual ones of measuring pairs."""
    procedure = replace(jobs.PAIRS.procedure, **steps)
    monkeypatch.setattr(jobs, "PAIRS", replace(jobs.PAIRS, procedure=procedure))


PAIRS = tuple(pair(number) for number in range(1, 5))


def run(
    pairs=PAIRS, architecture: str = "llama", out: Path | None = None, store: Store | None = None, **choices
) -> Results:
    choices = {"control_pairs": 0} | choices
    return score(tiny.model(architecture), pairs, make_spec(**choices), out=out, store=store)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_every_row_satisfies_the_identities(architecture: str) -> None:
    results = run(architecture=architecture)
    assert [cube.outcome for cube in results.cubes] == ["logit_diff", "logprob_diff"]
    for cube in results.cubes:
        effects = corners(cube.y)
        np.testing.assert_allclose(effects.nde + effects.tie, total_effect(cube.y), atol=1e-9)
        np.testing.assert_allclose(shapley(cube.y).sum(axis=1), total_effect(cube.y), atol=1e-9)
        assert np.ptp(cube.y) > 0.01
    assert len(results.maps) == len(PAIRS)
    assert results.manifest["counts"] == {
        "given": 4, "measured": 4, "rejected": 0, "by_reason": {}, "maps_left_out": 0, "controlled": 0, "not_cut": {}
    }  # fmt: skip


@pytest.mark.parametrize("status", ["success", "started"])
def test_a_run_of_another_machine_is_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """Other threads round the self-check otherwise; a GPU has an index, and a machine its own Python."""
    out = tmp_path / "run"
    wanted = run(out=out)
    manifest = json.loads((out / "run.json").read_text())
    for check in manifest["model"]["checks"]:
        check["error"] = 1e-7
    manifest["model"] |= {"device": "cuda:1" if status == "success" else "cpu", "name": "elsewhere", "threads": 99}
    manifest["versions"] |= {"python": "3.99.0", "torch": manifest["versions"]["torch"].partition("+")[0] + "+cu999"}
    (out / "run.json").write_text(json.dumps(manifest | {"status": status}))
    if status == "success":
        monkeypatch.setattr(
            jobs, "PAIRS", replace(jobs.PAIRS, preparation=replace(jobs.PAIRS.preparation, draft=never))
        )
    found = run(out=out)
    np.testing.assert_allclose(found.cube().y, wanted.cube().y, atol=1e-5)
    assert json.loads((out / "run.json").read_text())["status"] == "success"


def test_what_is_left_of_a_run_is_not_measured_on_another_kind_of_device(tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(out=out)
    manifest = json.loads((out / "run.json").read_text())
    manifest["model"] |= {"device": "cuda:1"}
    (out / "run.json").write_text(json.dumps(manifest | {"status": "started"}))
    with pytest.raises(InputError, match=r"holds another run \(the device is 'cuda' there and 'cpu' here\)"):
        run(out=out)


def test_base_equal_to_source_gives_exactly_zero() -> None:
    same = replace(PAIRS[0].source, question=PAIRS[0].base.question, cot=PAIRS[0].base.cot)
    results = run([replace(PAIRS[0], source=same)])
    assert all((total_effect(cube.y) == 0).all() and (shapley(cube.y) == 0).all() for cube in results.cubes)
    assert (results.maps[0].values == 0).all()


def test_order_and_company_do_not_change_an_item() -> None:
    forward, backward = run(), run(PAIRS[::-1])
    table = (
        cube_table(backward.cubes)
        .set_index(["item", "outcome"])
        .loc[list(cube_table(forward.cubes).set_index(["item", "outcome"]).index)]
    )
    columns = [name for name in table if name.startswith("y")]
    np.testing.assert_array_equal(table[columns].to_numpy(), cube_table(forward.cubes)[columns].to_numpy())
    alone = run(PAIRS[1:2])
    for one, others in zip(alone.cubes, forward.cubes, strict=True):  # in company, sums are rounded elsewhere
        np.testing.assert_allclose(one.y[0], others.y[1], atol=1e-6, rtol=0)


def test_a_run_directory_reads_back_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "run"
    results = run(out=out)
    again = read_results(out)
    assert again.items == results.items
    assert all(np.array_equal(a.y, b.y) for a, b in zip(again.cubes, results.cubes, strict=True))
    assert all(np.array_equal(a.values, b.values) for a, b in zip(again.maps, results.maps, strict=True))
    manifest = json.loads((out / "run.json").read_text())
    assert manifest["status"] == "success"
    assert manifest["model"]["fingerprint"] == tiny.model("llama").facts.fingerprint
    assert manifest["spec"]["answer_cue"] == "\nThe answer is"
    assert manifest["prompt_example"].startswith("Tom has 3 apples.\nTom buys 3 apples.")
    assert not (out / ".lock").exists()


def never(*_: object, **__: object) -> None:
    raise AssertionError("computed again")


def test_a_second_run_computes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "cache")
    mixed = [*PAIRS[:2], pair(7, cot=False)]
    choices = {"keep": ("resid_post",), "max_new_tokens": 6, "stop": (" 1", " 2", " 3", "."), "on_bad_item": "skip"}
    choices |= {
        "control_pairs": 2,
        "maps": ["read:step,layer", "attribution.z:layer,head", "step_graph.read:step,result"],
    }
    first = run(mixed, out=tmp_path / "a", store=store, **choices)
    kept = list((tmp_path / "cache" / "acts").rglob("*.safetensors"))
    assert len(kept) == 2 * len(first.items)
    names = ("run", "cubes", "small_maps", "map", "controls", "reads", "unlearnt")
    with_procedure(monkeypatch, **dict.fromkeys(names, never))
    monkeypatch.setattr(controls_module, "random_twin", never)
    monkeypatch.setattr("mediate.scoring.writing.written_in", never)
    monkeypatch.setattr("mediate.passes.activations.forward", never)
    second = run(mixed, out=tmp_path / "b", store=store, **choices)
    assert all(np.array_equal(a.y, b.y) for a, b in zip(first.cubes, second.cubes, strict=True))
    assert [each.reason for each in second.rejects] == [each.reason for each in first.rejects]
    assert len(first.maps) == 3 * len(first.items)
    for one, other in zip(first.maps, second.maps, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        assert (repr(one.agreement), one.kind, one.outcome) == (repr(other.agreement), other.kind, other.outcome)
    assert list(map(repr, first.controls)) == list(map(repr, second.controls))
    assert first.controls
    assert all(np.array_equal(a.y, b.y) for a, b in zip(first.cut, second.cut, strict=True))
    with pytest.raises(AssertionError, match="computed again"):
        run(mixed, store=store, answer_cue="\nThe answer", **choices)


def test_a_finished_run_is_read_back_and_another_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    run(out=out)
    with pytest.raises(InputError, match=r"holds another run \(the file of pairs or items held others"):
        run(PAIRS[:2], out=out)
    with pytest.raises(InputError, match=r"holds another run \(option 'limit' is not given there and 2 here\); give"):
        run(out=out, limit=2)
    with pytest.raises(InputError, match=r"option 'seed' is 0 there and 1 here"):
        run(out=out, seed=1)
    with pytest.raises(InputError, match=r"the model is 'LlamaForCausalLM' there and 'Qwen3ForCausalLM' here"):
        run(out=out, architecture="qwen3")
    undrafted = replace(jobs.PAIRS.preparation, draft=never)
    monkeypatch.setattr(jobs, "PAIRS", replace(jobs.PAIRS, preparation=undrafted))
    assert len(run(out=out).items) == 4
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match="not empty and holds no run"):
        run(out=other)


def test_an_interrupted_run_is_taken_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, store = tmp_path / "run", Store(tmp_path / "cache")
    real = procedures.PAIRS.map
    calls = []

    def interrupted(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    with_procedure(monkeypatch, map=interrupted)
    maps = {"maps": ["knockout:step,layer"]}
    with pytest.raises(KeyboardInterrupt):
        run(out=out, store=store, **maps)
    assert json.loads((out / "run.json").read_text())["status"] == "cancelled"
    with pytest.raises(InputError, match="status is 'cancelled'"):
        read_results(out)
    results = run(out=out, store=store, **maps)
    assert len(calls) == 7, "a batch that was not done is measured again as a whole, so that it is rounded alike"
    whole = run(**maps)
    for one, other in zip(results.cubes, whole.cubes, strict=True):
        np.testing.assert_array_equal(one.y, other.y)
    assert [each.item for each in results.maps] == [each.item for each in whole.maps] == ["p1", "p2", "p3", "p4"]


def test_pairs_that_do_not_fit_into_memory_together_are_measured_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    real, sizes = procedures.run_all_contexts, []

    def short(model: Model, pairs: Sequence[EncodedPair]) -> list[Contexts]:
        sizes.append(len(pairs))
        if len(pairs) > 1:
            raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes")
        return real(model, pairs)

    whole = run()
    monkeypatch.setattr(procedures, "run_all_contexts", short)
    apart = run()
    assert sizes == [4, 2, 1, 1, 1, 1], "that two do not fit is remembered"
    assert [each.id for each in apart.items] == [each.id for each in whole.items]
    np.testing.assert_allclose(apart.cubes[0].y, whole.cubes[0].y, atol=1e-6, rtol=0)


@pytest.mark.parametrize("where", ["torch.stack", "run_all_contexts"])
def test_a_pair_that_does_not_fit_into_memory_is_named_or_left_out(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever memory runs out: in a block, or where the keys of all layers are put together."""

    def short(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    model = tiny.model("llama")  # before memory runs short
    if where == "torch.stack":
        monkeypatch.setattr(torch, "stack", short)
    else:
        monkeypatch.setattr(procedures, where, short)
    with pytest.raises(ItemError, match=r"^item 'p1': it does not fit into the memory of cpu; give shorter chains"):
        score(model, PAIRS, make_spec(control_pairs=0, on_bad_item="error"))
    left = score(model, PAIRS, make_spec(control_pairs=0))
    assert [(each.item, each.code) for each in left.rejects] == [(pair.id, "out_of_memory") for pair in PAIRS]
    assert left.items == ()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_in_half_precision_company_changes_nothing(dtype: str) -> None:
    model = tiny.model("llama", dtype)
    spec = make_spec(control_pairs=0, maps=())
    whole, alone = score(model, PAIRS, spec), score(model, PAIRS[1:2], spec)
    np.testing.assert_array_equal(alone.cubes[0].y[0], whole.cubes[0].y[1])


LONG = Pair(
    "long", "g", Item("Tom has 3 apples. " * 60, "5", "Tom has 3."), Item("Tom has 2 apples. " * 60, "4", "Tom has 2.")
)
UNALIGNED = Pair("steps", "g", Item("Tom has 3.", "5", "Tom has 3. Tom has 5."), Item("Tom has 2.", "4", "Tom has 4."))


@pytest.mark.parametrize(
    ("bad", "choices", "code"),
    [
        (LONG, {}, "too_long"),
        (UNALIGNED, {"maps": ("read:step,layer",)}, "unaligned_steps"),
        (replace(LONG, base=replace(LONG.base, cot=None)), {}, "too_long"),
    ],
)
def test_a_bad_item_stops_before_anything_is_written_or_is_counted(tmp_path: Path, bad, choices, code) -> None:
    out = tmp_path / "run"
    with pytest.raises(ItemError, match=f"item '{bad.id}'") as error:
        run([*PAIRS, bad], out=out, **choices)
    assert error.value.code == code
    assert not out.exists()
    results = run([*PAIRS, bad], out=out, on_bad_item="skip", **choices)
    assert [reject.code for reject in results.rejects] == [code]
    assert results.manifest["counts"]["given"] == 5
    lines = (out / "rejects.jsonl").read_text().splitlines()
    assert [json.loads(line)["item"] for line in lines] == [bad.id]


def test_a_map_that_was_not_asked_for_may_be_impossible() -> None:
    results = run([*PAIRS, UNALIGNED])
    assert len(results.items) == 5
    assert [(reject.item, reject.part) for reject in results.rejects] == [("steps", "read:step,layer")]
    assert results.manifest["counts"]["maps_left_out"] == 1
    assert run(maps=()).maps == ()


def test_learned_positions_refuse_unequal_questions() -> None:
    odd = replace(PAIRS[0], base=replace(PAIRS[0].base, question="Tom now has 3 apples."))
    with pytest.raises(ItemError, match=r"the questions have \d and \d tokens"):
        run([odd], architecture="gpt2")


def test_written_chains_that_do_not_end_or_are_wrong_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    unsolved = chains_module._unsolved
    written = [pair(number, cot=False) for number in (7, 8)]
    with pytest.raises(ItemError, match=r"did not end its source CoT within 3 tokens.*\(skip\)|wrote no source CoT"):
        run([PAIRS[0], *written], max_new_tokens=3, on_bad_item="error")
    endless = run([PAIRS[0], *written], max_new_tokens=3)
    assert {reject.code for reject in endless.rejects} <= {"endless_cot", "no_cot"}
    assert len(endless.rejects) == 2
    monkeypatch.setattr(
        chains_module, "_unsolved", lambda pair, said: None if pair.id == "p1" else unsolved(pair, said)
    )
    found = run(solved_only=True)
    assert [reject.code for reject in found.rejects] == ["not_solved"] * (len(PAIRS) - 1)
    assert len(found.items) == 1


def test_nonfinite_logits_leave_the_item_out(monkeypatch: pytest.MonkeyPatch) -> None:
    real = procedures.measure_cubes

    def broken(*arguments: object) -> np.ndarray:
        y = real(*arguments)
        y[1] = np.nan
        return y

    monkeypatch.setattr(procedures, "measure_cubes", broken)
    results = run()
    assert [(reject.item, reject.code) for reject in results.rejects] == [("p2", "nonfinite")]
    assert len(results.items) == len(results.maps) == 3


def test_where_no_item_of_a_batch_has_numbers_all_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    real = procedures.measure_cubes
    monkeypatch.setattr(procedures, "measure_cubes", lambda *given: np.full_like(real(*given), np.nan))
    results = run()
    assert [reject.code for reject in results.rejects] == ["nonfinite"] * 4
    assert not results.items
    assert not results.maps


def test_duplicate_ids_and_no_pairs_are_errors() -> None:
    with pytest.raises(ItemError, match="occurs more than once"):
        run([PAIRS[0], PAIRS[0]])
    with pytest.raises(ItemError, match="several items have no id; give each its own"):
        run([replace(pair, id="") for pair in PAIRS[:2]])
    with pytest.raises(InputError, match="no pairs"):
        run([])


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"temprature": 1}, "no option 'temprature'; there are template"),
        ({"outcomes": ["logits"]}, "no outcome 'logits'"),
        ({"maps": ["read:head"]}, "no map 'read:head'"),
        ({"keep": ["residual"]}, "no component 'residual'"),
        ({"template": "chatt"}, "template 'chatt'"),
        ({"level": 1.5}, "option 'level'"),
        ({"max_new_tokens": 0}, "option 'max_new_tokens'"),
    ],
)
def test_wrong_choices_are_one_line(choices: dict, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        make_spec(**choices)
    assert "\n" not in str(error.value)


def test_every_choice_that_bears_on_what_is_found_is_in_the_manifest() -> None:
    every = {*ScoreSpec.model_fields, "template_text"} - {"max_errors"}
    chosen = make_spec(SPEC, against="other", replacements=["zero"], limit=3)
    assert set(chosen.described()) == every
    for described in (chosen.described(), SPEC.described()):
        assert json.loads(json.dumps(described, allow_nan=False)) == described
    # Runs from before they could be chosen are found again.
    assert set(SPEC.described()) == every - {"against", "others", "replacements", "limit"}


def test_the_fingerprint_of_pairs_is_of_what_they_say() -> None:
    assert pairs_fingerprint(PAIRS) == pairs_fingerprint([replace(each, place="elsewhere:1") for each in PAIRS])
    assert pairs_fingerprint(PAIRS) != pairs_fingerprint(PAIRS[:3])


def test_the_api_reads_files_and_takes_choices(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    mediate.write_pairs(path, PAIRS)
    scores = mediate.score(tiny.model("llama"), path, maps=["read:step,layer"], store=False, progress=False)
    assert set(scores.shares()) == {"direct", "text", "latent", "mediated"}
    assert scores.plot.layers().get_ylabel()
    assert Component.K in mediate.Component


def test_the_chains_cut_before_their_answer_have_cubes_of_their_own(tmp_path: Path) -> None:
    silent = replace(PAIRS[0], id="silent", base=replace(PAIRS[0].base, cot="Tom buys 3 apples."))
    results = run([*PAIRS, silent], out=tmp_path / "run")
    assert [cube.items for cube in results.cut] == [tuple(pair.id for pair in PAIRS)] * 2
    assert results.manifest["counts"]["not_cut"] == {"not_stated": 1}
    # Read where `= ` is about to be followed by the answer: the words of that step's sum decide, not the answer's own.
    assert not np.allclose(results.cut[0].y, results.cubes[0].y[:4], atol=1e-3)
    again = read_results(tmp_path / "run")
    assert all(np.array_equal(a.y, b.y) for a, b in zip(again.cut, results.cut, strict=True))


def test_controls_are_run_on_some_pairs_and_kept(tmp_path: Path) -> None:
    twins = [*PAIRS, pair(2, base=4)]
    twins[-1] = replace(twins[-1], id="other way to 6")
    results = run(twins, out=tmp_path / "run", control_pairs=5)
    found = {(each.item, each.control): each for each in results.controls}
    assert len(found) == 5 * (len(procedures.PAIRS.own_controls) + 1)
    assert all(each.effect == 0 for (_, control), each in found.items() if control.exact)
    assert all(abs(each.beside) > 0 for each in found.values() if not each.reason)
    same = [item for (item, control), each in found.items() if control is Control.SAME_ANSWER and not each.reason]
    assert same == ["p3", "other way to 6"], "3 + 3 and 4 + 2; the others' same answers follow their own questions"
    assert list(map(repr, read_results(tmp_path / "run").controls)) == list(map(repr, results.controls))
    fewer = run(twins, control_pairs=2)
    assert len({each.item for each in fewer.controls}) == 2


def test_a_model_without_a_random_twin_is_measured_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> object:
        raise InputError("no twin")

    monkeypatch.setattr(controls_module, "random_twin", none)
    found = {each.control: each for each in run(control_pairs=1).controls}
    assert found[Control.RANDOM_WEIGHTS].reason == "no twin"
    assert found[Control.SELF_SOURCE].effect == 0


def test_a_map_that_turns_out_impossible_costs_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = procedures.PAIRS.map

    def broken(model, contexts, spec, *rest):
        if contexts.pair.id == "p2" and spec.kind == "knockout":
            raise InputError("no such thing here")
        return real(model, contexts, spec, *rest)

    with_procedure(monkeypatch, map=broken)
    maps = {"maps": ["read:step,layer", "knockout:layer"]}
    with pytest.raises(ItemError, match="item 'p2': map knockout:layer: no such thing here"):
        run(**maps)
    results = run(store=Store(tmp_path), on_bad_item="skip", **maps)
    assert [(each.item, each.code, each.part) for each in results.rejects] == [
        ("p2", "impossible_map", "knockout:layer")
    ]
    assert len(results.items) == 4
    assert len(results.maps) == 7
    monkeypatch.undo()
    assert len(run(store=Store(tmp_path), on_bad_item="skip", **maps).maps) == 8, "what was impossible is not kept"


def test_a_map_that_does_not_fit_into_memory_costs_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    real = procedures.PAIRS.map

    def short(model, contexts, spec, *rest):
        if contexts.pair.id == "p2" and spec.kind == "knockout":
            raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes")
        return real(model, contexts, spec, *rest)

    with_procedure(monkeypatch, map=short)
    maps = {"maps": ["read:step,layer", "knockout:layer"]}
    with pytest.raises(ItemError, match="item 'p2': map knockout:layer: it does not fit into the memory of cpu"):
        run(on_bad_item="error", **maps)
    results = run(**maps)
    assert [(each.item, each.code, each.part) for each in results.rejects] == [
        ("p2", "out_of_memory", "knockout:layer")
    ]
    assert (len(results.items), len(results.maps)) == (4, 7)


def test_a_map_that_holds_no_numbers_costs_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    real = procedures.PAIRS.map

    def empty(model, contexts, spec, *rest):
        found = real(model, contexts, spec, *rest)
        return replace(found, values=found.values * np.nan) if contexts.pair.id == "p2" else found

    with_procedure(monkeypatch, map=empty)
    results = run(on_bad_item="skip", maps=["knockout:layer"])
    assert [(each.item, each.code, each.part) for each in results.rejects] == [
        ("p2", "impossible_map", "knockout:layer")
    ]


@pytest.mark.parametrize("where", ["map", "small_maps"])
@pytest.mark.parametrize("fault", [ValueError("a fault of the program"), RuntimeError("a fault of the program")])
def test_a_fault_of_the_program_is_no_impossible_map(
    fault: Exception, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise fault

    with_procedure(monkeypatch, **{where: broken})
    with pytest.raises(type(fault), match=r"^a fault of the program$"):
        run(on_bad_item="skip", maps=["read:step,layer", "knockout:layer"])


def margin(reading: Reading, logits: torch.Tensor) -> torch.Tensor:
    """An outcome of a user's own: twice the difference of logits."""
    return 2 * logit_diff(reading, logits)


def half(reading: Reading, logits: torch.Tensor) -> torch.Tensor:
    return logit_diff(reading, logits) / 2


def test_an_outcome_of_ones_own_is_read_off(tmp_path: Path) -> None:
    """As a record, without the list; what is stored of one is not taken for another of its name."""
    own = [Outcome("own", f"{__name__}:{function.__name__}") for function in (margin, half)]
    usual = run(outcomes=["logit_diff"]).cubes[0].y
    for outcome, factor in zip(own, (2.0, 0.5), strict=True):
        found = run(store=Store(tmp_path), outcomes=[outcome, "logit_diff"], maps=["read:step,layer"], control_pairs=1)
        assert [cube.outcome for cube in found.cubes] == ["own", "logit_diff"]
        np.testing.assert_allclose(found.cubes[0].y, factor * usual, rtol=1e-12)
        assert {each.outcome for each in found.maps} == {each.outcome for each in found.controls} == {"own"}
    with pytest.raises(InputError, match="an outcome 'logit_diff' is there already; give yours a name of its own"):
        run(outcomes=[Outcome("logit_diff", f"{__name__}:half")])
