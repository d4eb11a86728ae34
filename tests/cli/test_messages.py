"""At the command line, messages name its options; what the user wrote is left as it is."""

import pytest

from mediate.cli.messages import as_options
from mediate.errors import InputError
from mediate.scoring.spec import make_spec
from mediate.tuning.spec import make_tune_spec


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("option 'maps': no map 'x'", "--maps: no map 'x'"),
        ("option 'control_pairs': wrong", "--control-pairs: wrong"),
        ("option 'top_p': wrong", "--top-p: wrong"),
        (
            "'m' has no tokenizer; give one with load(..., tokenizer=...)",
            "'m' has no tokenizer; give one with --tokenizer",
        ),
        ("x: none; give one with tokenizer=", "x: none; give one with --tokenizer"),
        ("or compare all the same with allow_mixed", "or compare all the same with --allow-mixed"),
        ("or give --allow-mixed (in Python: allow_mixed=True)", "or give --allow-mixed"),
        ("or give --partial (in Python: partial=True); else", "or give --partial; else"),
        ("give solved_only=True, or more pairs", "give --solved-only, or more pairs"),
        ("score with control_pairs=8 or more", "score with --control-pairs=8 or more"),
        ("shorten it or lower max_new_tokens", "shorten it or lower --max-new-tokens"),
        ("give them other groups, or held_out=0", "give them other groups, or --held-out 0"),
        (
            "option 'address' is of workers on Ray; add engine='ray', or leave it out",
            "--address is of workers on Ray; add --engine ray, or leave it out",
        ),
        ("such as shard='3/16'; a run", "such as --shard 3/16; a run"),
        ("item 'allow_mixed': runs/allow_mixed/x, tokenizer=b", "item 'allow_mixed': runs/allow_mixed/x, tokenizer=b"),
    ],
)
def test_arguments_become_options(message: str, said: str) -> None:
    assert as_options(message) == said


@pytest.mark.parametrize(
    ("make", "choice", "message"),
    [
        (make_spec, {"level": 95}, "option 'level': .*, and it is 95; give a number above 0 and below 1"),
        (make_spec, {"top_p": 1.5}, "and it is 1.5; give a number above 0 and up to 1"),
        (make_spec, {"max_new_tokens": 0}, "and it is 0; give a number from 1"),
        (make_spec, {"seed": "x" * 1000}, r"and it is 'x{50,60}\.\.\.; give a number from 0"),
        (make_tune_spec, {"steps": 0}, "and it is 0; give a number "),
    ],
)
def test_a_number_out_of_its_range_is_told_the_range(make: object, choice: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make(**choice)  # type: ignore[operator]


@pytest.mark.parametrize("name", ["x" * 100_000, "read:" + "x" * 100_000, "read:step,layer," * 10_000])
def test_a_long_name_of_a_map_is_shortened(name: str) -> None:
    with pytest.raises(InputError, match="no map") as caught:
        make_spec(maps=[name])
    assert len(str(caught.value)) < 700


def test_every_choice_of_two_words_is_named_as_its_option() -> None:
    from mediate.models.load_spec import LoadSpec
    from mediate.scoring.spec import ScoreSpec
    from mediate.tuning.spec import TuneSpec

    names = {*ScoreSpec.model_fields, *TuneSpec.model_fields, *LoadSpec.__annotations__}
    for name in names:
        wanted = f"--{name.replace('_', '-')}" if "_" in name else name
        assert as_options(f"lower {name}, or leave it out") == f"lower {wanted}, or leave it out"
