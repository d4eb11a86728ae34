"""What a model writes in a run: the same batches whatever is known already, and whoever writes them."""

from pathlib import Path

import pytest
from safetensors.torch import load_file

from mediate.models import generation
from mediate.models.generation import Decoding, Written
from mediate.passes.store import Store, entry_key, header_spec
from mediate.scoring.writing import Known, UnwrittenError, Writing, shared, write_each
from tests import tiny

HOW = Decoding(5, batch_size=2)
ASKED = [(tuple(range(first, first + length)), HOW) for first, length in ((3, 5), (4, 7), (5, 5), (6, 9), (7, 6))]


def written(store: Store | None = None) -> dict[tuple[tuple[int, ...], Decoding], Written]:
    return write_each(tiny.model("llama"), ASKED, store, progress=False)


def test_a_batch_of_which_something_is_missing_is_written_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    ids = {asked: text.ids for asked, text in written(store).items()}
    writing = Writing.of(tiny.model("llama"), ASKED)
    assert [len(rows) for rows in writing.laid.batches] == [2, 2, 1]
    missing, there = writing.laid.batches[1]
    key = entry_key(writing.entry(missing))
    [file] = [each for each in (tmp_path / "traces").rglob("*.safetensors") if key in header_spec(each)["entries"]]
    kept = load_file(file)
    file.unlink()
    store.put("traces", writing.entry(there), {name: kept[f"1/{name}"] for name in ("ids", "end")})
    seen = list[int]()
    of_a_batch = generation._Batch.written
    monkeypatch.setattr(
        generation._Batch, "written", lambda batch, prefix: seen.append(len(batch.prompts)) or of_a_batch(batch, prefix)
    )
    assert {asked: text.ids for asked, text in written(store).items()} == ids
    assert seen == [2]


def test_what_processes_write_of_their_shares_is_what_one_writes() -> None:
    known = Known()
    with shared(known):
        with pytest.raises(UnwrittenError, match="3 of 3 batches of texts are not written yet") as found:
            written()
        assert found.value.missing == (0, 1, 2)
        for number in (2, 0):
            known.texts |= found.value.writing.written([number], None)
        with pytest.raises(UnwrittenError) as left:
            written()
        assert left.value.missing == (1,)
        known.texts |= left.value.writing.written([1], None)
        assert written() == {asked: known.texts[asked] for asked, _ in written().items()}
    assert known.texts == written()


def test_the_order_in_which_texts_are_asked_for_makes_no_difference() -> None:
    model = tiny.model("llama")
    one, other = Writing.of(model, ASKED), Writing.of(model, ASKED[::-1])
    assert (one.asked, one.laid.batches) == (other.asked, other.laid.batches)
