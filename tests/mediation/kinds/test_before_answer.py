"""Chains cut before they state the answer."""

import numpy as np
import pytest

from mediate.errors import ItemError
from mediate.mediation.kinds.before_answer import cut_before_answer, cut_contexts
from mediate.mediation.kinds.cube import measure_cube, run_contexts
from tests import tiny
from tests.mediation.kinds.test_read import BASE, LONGER, SOURCE, contexts

ANSWERS = ("11", "12")


def test_the_reader_is_the_token_before_the_statement() -> None:
    pair = contexts("llama").pair
    cut = cut_before_answer(pair, ANSWERS)
    words = tiny.tokenizer().convert_ids_to_tokens
    assert "".join(cut.traces[1].tokens) == "Tom buys 3 apples. Tom has 3 + 9"
    assert cut.traces[1].text == "Tom buys 3 apples. Tom has 3 + 9"
    assert words(list(cut.readers.cue)) == [" ="]
    assert (words(list(cut.readers.base)), words(list(cut.readers.source))) == ([" 1", "2"], [" 1", "1"])
    assert cut.readers.shared == 1
    assert (cut.id, cut.group, cut.questions) == (pair.id, pair.group, pair.questions)
    assert cut.traces[1].step_spans[0] == pair.traces[1].step_spans[0]


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_what_was_cut_off_had_changed_nothing(architecture: str) -> None:
    """The contexts sliced out of the whole run's give the cube of a run of the cut chains alone."""
    model = tiny.model(architecture, "float64")
    whole = contexts(architecture, LONGER if architecture != "gpt2" else BASE, dtype="float64")
    cut = cut_before_answer(whole.pair, ANSWERS)
    found = measure_cube(model, cut_contexts(whole, cut))
    np.testing.assert_allclose(found, measure_cube(model, run_contexts(model, cut)), atol=1e-6)
    assert np.ptp(found) > 0.1


@pytest.mark.parametrize(
    ("base", "source", "code"),
    [
        ((BASE[0], "Tom has apples.", "12"), SOURCE, "not_stated"),
        (BASE, (SOURCE[0], "Tom has apples.", "11"), "not_stated"),
        ((BASE[0], "12 apples.", "12"), (SOURCE[0], "11 apples.", "11"), "stated_at_once"),
        ((BASE[0], "Tom has 12. Tom has 3.", "12"), (SOURCE[0], "Tom has 3. Tom has 11.", "11"), "steps"),
        ((BASE[0], "Tom has 12.", "12"), (SOURCE[0], "Tom gives 11.", "11"), "reader"),
    ],
    ids=["base silent", "source silent", "at once", "other step", "other word before"],
)
def test_what_cannot_be_cut_says_why(base, source, code: str) -> None:
    from mediate.mediation.encoding import EncodedPair, Readers
    from mediate.pairs.pair import Item, Pair
    from mediate.traces.trace import given_trace

    pair = Pair("a", "g", *(Item(question, answer, cot) for question, cot, answer in (base, source)))
    traces = tuple(given_trace(str(item.cot), tiny.tokenizer()) for item in (pair.source, pair.base))
    tokens = EncodedPair("a", "g", ((1, 2), (3, 4)), traces, Readers((1,), (2,), (3,)))
    with pytest.raises(ItemError) as caught:
        cut_before_answer(tokens, (source[2], base[2]))
    assert caught.value.code == code
