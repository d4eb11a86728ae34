"""The list of arms: names, rates and choices that fit together, and what each arm does not heed."""

import subprocess
import sys

import pytest

from mediate.tuning import ARMS
from mediate.tuning.arms import arm_named, not_heeded
from mediate.tuning.arms.answer_only import ANSWER_ONLY
from mediate.tuning.arms.dpo import DPO
from mediate.tuning.arms.filtered import FILTERED
from mediate.tuning.arms.lora import LORA
from mediate.tuning.arms.mix import MIX
from mediate.tuning.arms.prefix import PREFIX
from mediate.tuning.arms.sft import SFT
from mediate.tuning.arms.swapped import SWAPPED
from mediate.tuning.spec import TuneSpec, choices_of

# The choices of the arms that have joined the first four.
LATER = tuple(name for arm in (MIX, PREFIX, SWAPPED, FILTERED) for name in arm.own)


def test_names_are_found_and_others_are_told_them() -> None:
    assert [arm_named(arm.name) for arm in ARMS] == list(ARMS)
    with pytest.raises(ValueError, match="no arm 'SFT'; choose from sft, lora, answer-only, dpo"):
        arm_named("SFT")


def test_a_rate_says_whether_all_weights_may_be_trained() -> None:
    assert [arm.full for arm in (SFT, LORA, ANSWER_ONLY, DPO)] == [True, False, None, None]


def test_an_arm_has_the_choices_that_it_heeds() -> None:
    assert not_heeded(DPO) == ("keep_chain", *LATER)
    assert not_heeded(SFT) == ("keep_chain", "beta", *LATER)
    assert {name for arm in ARMS for name in arm.own} <= set(TuneSpec.model_fields)
    assert "rank" not in choices_of(SFT)
    assert set(choices_of(DPO)) - set(choices_of(LORA)) == {"beta", "full"}
    assert set(choices_of(LORA)) - set(choices_of(SFT)) == {"rank", "alpha", "dropout", "target_modules", "merge"}


def test_the_list_needs_nothing_heavy() -> None:
    code = "import sys, mediate.tuning; sys.exit(bool({'torch', 'trl', 'pydantic', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
