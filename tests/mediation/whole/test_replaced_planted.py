"""The chain alone replaced on a model with weights set by hand, in closed form.

The item is a blank, a digit x (the question), a line break, a digit w (the chain), the cue and `yes`. The value at the
chain is text * w + latent * x and its key is the same in every item; where the key is not there, the answer looks at
the blank, which holds nothing. So Y = direct * x + what is read of the chain. `logit` is Y less the mean over the
vocabulary, of which `yes` alone has a logit that is not 0.
"""

from typing import Any

import pytest

import mediate as md
from tests.mediation.whole.test_hidden_planted import Reader, planted

READER = Reader("all three", (0, 0, 0), direct=2.0, text=1.0, latent=0.5)
# Digits of question and chain.
GIVEN = {"a": (4, 3), "b": (2, 7), "c": (1, 5)}


def y(w: float, carried: float) -> float:
    """Of item a, with another digit at the chain or another question's digit carried there."""
    return READER.direct * 4 + READER.text * w + READER.latent * carried


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    template = tmp_path_factory.mktemp("planted") / "blank.txt"
    template.write_text("\n{question}\n\n")
    model = planted(READER)
    # The others have another answer, so that they are others; only the first is read off.
    items = [
        md.Item(str(x), "yes" if name == "a" else "no", str(w), id=name, group=name) for name, (x, w) in GIVEN.items()
    ]
    choices: Any = {"template": str(template), "outcomes": ["logit"], "maps": [], "control_pairs": 0}
    table = md.score(model, items, store=False, progress=False, **choices).contrasts()
    own = table[table["item"] == "a"].set_index("replacement")
    own[["own", "value"]] /= 1 - 1 / model.facts.d_vocab
    return own


def test_the_item_as_it_is(found: Any) -> None:
    assert list(found["own"]) == pytest.approx([y(3, 4)] * 8, abs=1e-10)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("filler", {y(0, 4)}),  # a line break says nothing, and has read the question
        ("mistake", {y(w, 4) for w in range(10) if w != 3}),
        ("zero", {y(0, 0)}),
        ("mean", {y((7 + 5) / 2, (2 + 1) / 2)}),
        ("other", {y(7, 2), y(5, 1)}),  # both are as near
    ],
)
def test_what_is_put_in_place_is_what_is_read(found: Any, name: str, wanted: set[float]) -> None:
    assert min(abs(float(found["value"][name]) - each) for each in wanted) < 1e-10
    assert found["effect"][name] == pytest.approx((found["own"][name] - found["value"][name]) * 16 / 17, abs=1e-10)


def test_one_step_is_not_shuffled(found: Any) -> None:
    assert found["reason"]["shuffled"] == "a chain of 1 step cannot be shuffled; give one of two or more"
