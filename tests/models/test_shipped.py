"""The ladders of reference reasoners: their names, their tokenizers, and what is not shipped."""

from pathlib import Path

import pytest

from mediate.errors import InputError
from mediate.models import shipped
from mediate.models.origin import resolve
from mediate.models.shipped import LADDERS, REFERENCE, REFERENCES, ladder_tokenizer


def test_names_are_one_each_and_the_first_ladder_has_its_own() -> None:
    assert len(set(REFERENCES)) == len(REFERENCES)
    assert REFERENCES[: len(REFERENCE)] == REFERENCE == LADDERS[0].names
    assert {"reference-worded-0.1m", "reference-worded-0.3m", "reference-worded-1.2m"} <= {*REFERENCES}


@pytest.mark.parametrize("name", REFERENCE)
def test_the_first_ladders_tokenizer_is_as_it_was_shipped(name: str, tmp_path: Path) -> None:
    ladder_tokenizer().save_pretrained(tmp_path)
    kept = shipped.reference_folder(name) / "tokenizer.json"
    assert (tmp_path / "tokenizer.json").read_bytes() == kept.read_bytes()


def test_a_rung_that_is_not_shipped_is_refused_with_what_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    wanted = (
        r"model 'reference-worded-0\.3m' is not shipped with this version; train it with: mediate tune reference "
        r"--family worded --out DIR, and give DIR/reference-worded-0\.3m"
    )
    with pytest.raises(InputError, match=wanted):
        resolve("reference-worded-0.3m")
