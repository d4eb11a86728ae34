"""The cube: what must hold on any model, and the closed forms of planted ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.checks.planted import SETTINGS, Planted
from mediate.checks.run import TOLERANCE, measure_truth
from mediate.errors import InputError, ItemError
from mediate.mediation.encoding import EncodedPair, Readers, check_fit, encode_pair, encode_readers
from mediate.mediation.kinds import cube as cube_module
from mediate.mediation.kinds.cube import laid_out, measure_cube, measure_cubes, run_all_contexts, run_contexts
from mediate.mediation.outcomes import Outcome, answer_logprob, read_off
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.pairs.pair import Item, Pair
from mediate.passes.forward import forward
from mediate.results.cube import Cube, corners, item_shares, set_shares, shapley, total_effect
from mediate.traces.trace import Trace, given_trace
from tests import tiny

NONE = Template(Style.NONE)
TEXTS = ("Tom has 3 apples.", "Tom has 2 apples.", "Tom has 3 + 9 = 12.", "Tom has 2 + 9 = 11.")


def encoded(architecture: str = "llama", texts=TEXTS, answers=("12", "11")) -> EncodedPair:
    question1, question0, cot1, cot0 = texts
    pair = Pair("a", "g", Item(question1, answers[0], cot1), Item(question0, answers[1], cot0))
    chains = (given_trace(cot, tiny.tokenizer()) for cot in (cot0, cot1))
    return encode_pair(tiny.model(architecture), pair, NONE, ANSWER_CUE, *chains)


def measured(architecture: str, pair: EncodedPair) -> np.ndarray:
    model = tiny.model(architecture)
    return measure_cube(model, run_contexts(model, pair))


def as_cube(y: np.ndarray) -> Cube:
    return Cube(y[None], ("a",), ("g",), "logit_diff")


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("planted", SETTINGS, ids=lambda planted: planted.name)
def test_planted_models_give_their_closed_form(planted: Planted, dtype: str) -> None:
    truth = measure_truth(planted, dtype)
    assert truth.passed, truth


def test_a_planted_model_that_is_not_what_it_says_fails() -> None:
    planted = SETTINGS[0]
    other = replace(planted, text=planted.text + 0.25)
    assert abs(other.cube() - planted.cube()).max() == 1.0


@pytest.mark.parametrize(
    ("name", "direct", "text", "latent", "mediated"),
    [
        ("full", 0, 1, 0, 1),
        ("none", 1, 0, 0, 0),
        ("half", 0.5, 0.25, 0.25, 0.5),
        ("latent", 0, 0, 1, 1),
        ("inconsistent", 3, -1, -1, -2),
        ("interaction", 0.5, 5 / 12, 1 / 12 + 1 / 6, 4 / 6),
        ("no total effect", None, None, None, None),
    ],
)
def test_the_shares_of_planted_models(name, direct, text, latent, mediated) -> None:
    planted = next(each for each in SETTINGS if each.name == name)
    cube = as_cube(planted.cube())
    found = item_shares(cube)[0]
    if direct is None:
        assert np.isnan(found).all()
        assert cube.undefined() == 1
        assert not set_shares(cube)["mediated"].defined
        effects = corners(cube.y)
        assert (effects.te[0], effects.nde[0], effects.tie[0]) == (0, 4, -4)
        return
    if name == "interaction":
        assert corners(cube.y).interaction[0] == pytest.approx(1.0)
        assert found.tolist()[3] == pytest.approx(corners(cube.y).tie[0] / total_effect(cube.y)[0])
        assert found[:3].sum() == pytest.approx(1)
        return
    np.testing.assert_allclose(found, [direct, text, latent, mediated], atol=1e-12)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_the_corners_are_the_untouched_runs(architecture: str) -> None:
    """Y[1,1,1] and Y[0,0,0] from one ordinary pass each, without caches."""
    model, pair = tiny.model(architecture), encoded(architecture)
    y = measured(architecture, pair)[0]
    readers = pair.readers
    for world in (0, 1):
        ids = [*pair.context(world, world), *readers.cue, *readers.base[: readers.shared]]
        logits = forward(model, torch.tensor([ids])).logits[0, -1]
        plain = logits[readers.base[readers.shared]] - logits[readers.source[readers.shared]]
        assert y[world, world, world] == pytest.approx(float(plain), abs=1e-5)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_equal_worlds_have_effects_of_exactly_zero(architecture: str) -> None:
    texts = (TEXTS[0], TEXTS[0], TEXTS[2], TEXTS[2])
    y = measured(architecture, encoded(architecture, texts))
    assert (y == y[:, :1, :1, :1]).all()
    assert np.isfinite(y).all()


def test_equal_worlds_are_zero_also_when_every_cell_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The zeros above are not owed to computing equal cells once: apart, they agree to rounding."""
    pair = encoded(texts=(TEXTS[0], TEXTS[0], TEXTS[2], TEXTS[2]))
    model = tiny.model("llama")
    contexts = run_contexts(model, pair)
    single = [cube_module.laid_out(model, contexts, *cell) for cell in cube_module.CELLS]
    tokens = cube_module.reading(pair.readers, model.device)
    rows = [
        read_off(tokens, logits, Outcome.LOGIT_DIFF)
        for logits in cube_module.read_rows(model, [tokens] * len(single), single)
    ]
    assert np.ptp(rows) < 1e-5


COMPANY = (
    (TEXTS, ("12", "11")),
    (TEXTS, ("12 apples", "11 apples and 2")),
    (("Tom has 4 apples and Ann has 2.", "Tom has 5 apples and Ann has 2.", *TEXTS[2:]), ("6", "7")),
    ((*TEXTS[:2], "Tom has 3. Then 3 + 9 = 12.", "So 2 + 9 = 11."), ("12 apples", "11")),
    ((TEXTS[0], TEXTS[0], TEXTS[2], TEXTS[2]), ("12", "11")),
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_side_by_side_is_as_alone(architecture: str, dtype: str) -> None:
    """Pairs of other lengths and answers, padded beside one another, two with the same contexts."""
    model = tiny.model(architecture, dtype)
    pairs = [encoded(architecture, *each) for each in COMPANY if architecture != "gpt2" or each[0][0] in TEXTS[:2]]
    alone = np.stack([measure_cube(model, run_contexts(model, pair)) for pair in pairs])
    contexts = run_all_contexts(model, pairs)
    for pair, each in zip(pairs, contexts, strict=True):
        assert len(each.runs) == len({(q, t.ids) for q in pair.questions for t in pair.traces})
        assert all(len(run) == len(question) + len(chain) for (question, chain), run in each.runs.items())
    together = measure_cubes(model, contexts)
    np.testing.assert_allclose(together, alone, atol=1e-5 if dtype == "float32" else 1e-12, rtol=0)
    assert (together[-1] == together[-1][:, :1, :1, :1]).all(), "equal worlds differ in company"
    one_outcome = measure_cubes(model, contexts, [Outcome.LOGIT_DIFF])[:, 0]
    np.testing.assert_allclose(one_outcome, together[:, 0], atol=1e-5 if dtype == "float32" else 1e-12, rtol=0)


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_a_channel_that_is_the_same_in_both_worlds_has_no_effect(architecture: str) -> None:
    same_chain = encoded(architecture, (*TEXTS[:2], TEXTS[2], TEXTS[2]))
    y = measured(architecture, same_chain)[0]
    assert (y[:, 0] == y[:, 1]).all()
    assert shapley(y[None])[0, 1] == 0
    same_question = measured(architecture, encoded(architecture, (TEXTS[0], TEXTS[0], *TEXTS[2:])))[0]
    assert (same_question[0] == same_question[1]).all()
    assert (same_question[:, :, 0] == same_question[:, :, 1]).all()


def test_exchanging_the_worlds_mirrors_the_cube() -> None:
    y = measured("llama", encoded())
    question1, question0, cot1, cot0 = TEXTS
    mirrored = measured("llama", encoded(texts=(question0, question1, cot0, cot1), answers=("11", "12")))
    np.testing.assert_allclose(mirrored, -y[:, ::-1, ::-1, ::-1], atol=1e-5)


def test_a_run_that_is_read_as_it_is_gives_what_its_stretches_give(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, pair = [], encoded()
    monkeypatch.setattr(cube_module, "laid_out", lambda *args: taken.append(args[2:]) or laid_out(*args))
    whole = measured("llama", pair)
    assert sorted(taken) == [(d, t, h) for d in (0, 1) for t in (0, 1) for h in (0, 1) if d != h]
    monkeypatch.setattr(cube_module, "read_cell", laid_out)
    np.testing.assert_array_equal(whole, measured("llama", pair))


def test_rows_read_apart_equal_rows_read_together(monkeypatch: pytest.MonkeyPatch) -> None:
    together = measured("gemma3", encoded("gemma3"))
    monkeypatch.setattr(cube_module, "ROW_BYTES", 1)
    np.testing.assert_allclose(measured("gemma3", encoded("gemma3")), together, atol=1e-5)


words = st.lists(
    st.sampled_from(["Tom", " has", " 3", " +", " 4", " =", " 7", ".", " pears"]), min_size=1, max_size=8
).map("".join)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(question1=words, question0=words, cot1=words, cot0=words)
def test_any_texts_satisfy_the_identities(question1: str, question0: str, cot1: str, cot0: str) -> None:
    """Lengths differ freely, so keys are moved in most cases; Cube checks TE = NDE + TIE = sum of Shapley values."""
    y = measured("qwen3", encoded("qwen3", (question1, question0, cot1, cot0), ("pears", "boxes")))
    cube = Cube(y, ("a", "b"), ("g", "g"), "both")
    np.testing.assert_allclose(shapley(cube.y).sum(axis=1), total_effect(cube.y), atol=1e-9)
    # Single-token answers: the difference of log-probabilities is the difference of logits.
    np.testing.assert_allclose(y[0], y[1], atol=1e-5)


def test_whole_answers_are_scored_token_by_token() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [9.0, 9.0, 9.0]])
    wanted = torch.log_softmax(logits, -1)
    assert answer_logprob(logits, (1, 2)) == pytest.approx(float(wanted[0, 1] + wanted[1, 2]), abs=1e-6)


def test_answers_that_are_prefixes_in_tokens_are_refused() -> None:
    pair = Pair("a", "g", Item("q", "1 2"), Item("p", "3"))
    assert encode_readers(tiny.tokenizer(), pair).shared == 0
    with pytest.raises(ValueError, match="begin with all of the other"):
        Readers((1,), (5, 6), (5,))
    with pytest.raises(ItemError, match=r"answer '1' is a prefix of '12'"):
        Pair("a", "g", Item("q", "12"), Item("p", "1"))


def test_questions_of_different_lengths_are_refused_without_rotary_positions() -> None:
    with pytest.raises(ItemError, match=r"the questions have \d+ and \d+ tokens, and model 'GPT2LMHeadModel'") as error:
        encoded("gpt2", ("Tom has 12 apples now.", *TEXTS[1:]))
    assert error.value.code == "unaligned_questions"


def test_too_long_is_refused_and_just_fitting_is_not() -> None:
    model = tiny.model("llama")
    readers = Readers((0,) * 4, (1, 2), (1, 3))

    def of_length(length: int) -> EncodedPair:
        trace = Trace("x" * length, (5,) * length, ("x",) * length, (0,) * length)
        return EncodedPair("a", "g", ((7,), (7,)), (trace, trace), readers)

    fitting = model.facts.context - 4 - 2 - 1
    check_fit(model, of_length(fitting))
    with pytest.raises(ItemError, match=r"257 tokens, and the context of 'LlamaForCausalLM' is 256"):
        check_fit(model, of_length(fitting + 1))


def test_a_model_whose_past_is_not_in_keys_and_values_is_refused() -> None:
    model = tiny.model("llama")
    broken = replace(
        model,
        checks=tuple(
            replace(check, error=1.0) if check.name == "answer read from keys and values" else check
            for check in model.checks
        ),
    )
    with pytest.raises(InputError, match="do not carry all of its past"):
        check_fit(broken, encoded())
