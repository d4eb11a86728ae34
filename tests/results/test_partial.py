"""A run that is not finished: what it has is read, and every view says how much that is."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import mediate
from mediate.errors import InputError
from mediate.report import compare, headline, render_page, terminal, write_report
from mediate.results import Results, read_results, write_results
from mediate.results.partial import partial_words, read_so_far
from mediate.results.parts import PARTS, write_part, write_plan
from mediate.results.sharding import shard_folder
from tests.results.test_parts import ORDER, PLAN, WHOLE, part

pytestmark = pytest.mark.usefixtures("undrawn")

WORDS = "partial: 4 of 6 items measured; the same command goes on"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of which two batches of three are done."""
    return unfinished(tmp_path / "run")


def unfinished(folder: Path, **said: object) -> Path:
    write_plan(folder, PLAN)
    for number in (2, 0):
        write_part(folder, part(number), [number], PLAN.fingerprint)
    manifest = dict(WHOLE.manifest) | {"status": "started", "counts": {"given": 7, "planned": 6}} | said
    (folder / "run.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize("status", ["started", "cancelled", "error"])
def test_what_is_done_is_read_in_order_and_nothing_is_changed(run: Path, status: str) -> None:
    unfinished(run, status=status)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    found = read_so_far(run)
    assert [each.id for each in found.items] == [*ORDER[:2], *ORDER[4:]]
    assert found.rejects[: len(PLAN.left_out)] == PLAN.left_out
    assert found.manifest["status"] == status
    assert found.manifest["counts"]["measured"] == 4
    assert partial_words(found.manifest) == WORDS
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    with pytest.raises(InputError, match=f"status is '{status}'"):
        read_results(run)


def test_every_view_says_first_that_it_is_partial(run: Path) -> None:
    scores = mediate.open(run)
    results = scores.results
    assert headline(results).startswith(f"{WORDS}. Of the effect")
    assert " ".join(repr(scores).split()).startswith(WORDS)
    assert " ".join(terminal(results).split()).startswith(WORDS)
    assert WORDS in scores._repr_html_()
    page = write_report(run).read_text()
    assert page == render_page(results)
    assert page.count(WORDS) == 2, "in the headline and at the end"
    assert "<title>Partial: " in page
    whole = render_page(WHOLE)
    assert "artial: " not in whole
    assert whole.count("<h2") == page.count("<h2")


def test_nothing_done_is_no_result(tmp_path: Path) -> None:
    run = unfinished(tmp_path / "run")
    for each in (run / PARTS).glob("0*"):
        (each / "run.json").unlink()
    assert headline(read_so_far(run)).startswith("partial: 0 of 6 items measured; the same command goes on. No item")
    assert "0 of 6" in render_page(read_so_far(run))


def test_a_part_that_is_damaged_is_left_out_for_now(run: Path, caplog: pytest.LogCaptureFixture) -> None:
    (run / PARTS / "00000" / "results" / "cube.parquet").write_bytes(b"x")
    assert [each.id for each in read_so_far(run).items] == list(ORDER[:2])
    assert "left out" in caplog.text
    assert (run / PARTS / "00000" / "run.json").exists()


def test_a_finished_run_is_whole_and_one_without_parts_is_refused(tmp_path: Path, run: Path) -> None:
    write_results(tmp_path / "whole", WHOLE)
    assert partial_words(read_so_far(tmp_path / "whole").manifest) == ""
    assert partial_words(WHOLE.manifest) == ""
    (run / PARTS / "plan.json").unlink()
    with pytest.raises(InputError, match="status is 'started'; score again to finish it"):
        mediate.open(run)


def test_a_comparison_refuses_it_unless_asked(tmp_path: Path, run: Path) -> None:
    other = named("other")
    write_results(tmp_path / "whole", other)
    with pytest.raises(InputError, match=rf"^compare: run is {WORDS}; finish it first, or give --partial"):
        compare(tmp_path / "whole", run)
    with pytest.raises(InputError, match="compare: run is partial"):
        compare(tmp_path / "whole", mediate.open(run), labels=["whole", "run"])
    found = compare(tmp_path / "whole", run, partial=True)
    assert f"run is {WORDS}" in " ".join(repr(found).split())
    assert f"run is {WORDS}" in (compare(other, run, partial=True, labels=["other", "run"]))._repr_html_()


def named(name: str) -> Results:
    return replace(WHOLE, manifest=WHOLE.manifest | {"model": WHOLE.manifest["model"] | {"name": name}})


SHARD = {"number": 3, "of": 16}


def test_a_shard_is_never_taken_for_the_run(tmp_path: Path) -> None:
    own, begun = shard_folder(tmp_path, 3, 16), unfinished(shard_folder(tmp_path, 4, 16), shard={"number": 4, "of": 16})
    manifest = WHOLE.manifest | {"shard": SHARD, "status": "success", "counts": {"given": 99, "measured": 6}}
    write_results(own, replace(WHOLE, manifest=manifest))
    words = "partial: shard 3 of 16, 6 items measured; mediate merge puts the run together"
    scores = mediate.open(own)
    assert headline(scores.results).startswith(words)
    assert " ".join(repr(scores).split()).startswith(words)
    assert "<title>Partial: " in write_report(own).read_text()
    assert headline(mediate.open(begun).results).startswith("partial: shard 4 of 16, 4 of 6 items measured; the same")
    with pytest.raises(InputError, match="only a finished run is saved"):
        scores.save(tmp_path / "copy")
    write_results(tmp_path / "whole", named("other"))
    with pytest.raises(InputError, match=f"is {words}; .*give --partial"):
        compare(tmp_path / "whole", own)
    compare(tmp_path / "whole", own, partial=True)
    for state in (None, '{"status": "started"}'):
        if state is not None:
            (tmp_path / "run.json").write_text(state)
        for reading in (mediate.open, write_report, read_so_far):
            with pytest.raises(InputError) as error:
                reading(tmp_path)
            assert str(error.value) == (
                f"{tmp_path}: holds shards of a run, 2 of 16 begun, and not the run; put them together with: mediate "
                f"merge {tmp_path}"
            )


def test_what_is_partial_is_not_saved_as_a_run(tmp_path: Path, run: Path) -> None:
    with pytest.raises(InputError, match="only a finished run is saved"):
        mediate.open(run).save(tmp_path / "copy")
