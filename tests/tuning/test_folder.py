"""A tuning's folder: whose it is, and what an interrupt leaves in it."""

from pathlib import Path

import pytest

from mediate.errors import InputError
from mediate.tuning.folder import opened, read_tuning, write_cancelled, write_tuning

BASE = {"name": "small", "fingerprint": "aa", "tokenizer": "bb", "architecture": "LlamaForCausalLM", "parameters": 8}
IDENTITY = {
    "schema": 1,
    "spec": {"arm": "lora"},
    "data": {"train": 3},
    "base": BASE,
    "device": "cpu",
    "versions": {"mediate": "0.1.0", "python": "3.12.1", "torch": "2.13.0+cpu"},
}


@pytest.mark.parametrize(
    ("status", "left"), [("running", "cancelled"), ("failed", "cancelled"), ("success", "success")]
)
def test_an_interrupt_is_written_where_a_tuning_is_not_finished(tmp_path: Path, status: str, left: str) -> None:
    write_tuning(tmp_path, IDENTITY | {"accuracy": {"before": 1}}, status)
    write_cancelled(tmp_path)
    assert read_tuning(tmp_path) == IDENTITY | {"accuracy": {"before": 1}, "status": left}


def test_an_interrupt_before_anything_is_written_leaves_nothing(tmp_path: Path) -> None:
    write_cancelled(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_tuning_of_another_machine_is_taken_up_again(tmp_path: Path) -> None:
    write_tuning(tmp_path, IDENTITY, "running")
    here = IDENTITY | {
        "base": BASE | {"name": "renamed"},
        "versions": IDENTITY["versions"] | {"python": "3.11.2", "torch": "2.13.0+cu126"},
    }
    found = opened(tmp_path, here)
    assert found is not None
    with pytest.raises(InputError, match="the base model is 'small' there and 'large' here"):
        opened(tmp_path, IDENTITY | {"base": BASE | {"name": "large", "fingerprint": "cc"}})
    with pytest.raises(InputError, match=r"torch is '2.13.0\+cpu' there and '2.14.0' here"):
        opened(tmp_path, IDENTITY | {"versions": IDENTITY["versions"] | {"torch": "2.14.0"}})
    with pytest.raises(InputError, match=r"data\.train is 3 there and 4 here"):
        opened(tmp_path, IDENTITY | {"data": {"train": 4}})
