"""Results as tables and as a run directory: what is read back is what was written, or one line says what is wrong."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.errors import InputError
from mediate.results import Cube, EffectMap, Measured, Reject, Results, Told, read_results, write_results
from mediate.results.agreement import Agreement
from mediate.results.controls import Control, Controlled
from mediate.results.cube import CELL_COLUMNS, cube_table, cubes_from_table
from mediate.results.folder import TABLES, read_manifest, write_manifest
from mediate.results.maps import effect_table, maps_from_table
from mediate.results.sums import check_sum
from mediate.results.told import item_table, items_from_table

OUTCOMES = ("logit_diff", "logprob_diff")
MANIFEST = {"schema": 1, "status": "success", "spec": {"outcomes": list(OUTCOMES)}, "note": "gemessen 測定 🙂"}
AXES = {"step": (0, 1, 2), "layer": (0, 1, 2, 3), "kv_head": (0, 1)}


def world(number: int, **changes: Any) -> Told:
    fields: dict[str, Any] = {
        "question": f'Tom has {number} apples,\n"all" his\u2028own.',
        "answer": str(number),
        "tokens": (" Tom", "", "🙂", "\n"),
        "steps": (0, 0, 0, 1),
        "states_answer": 2,
        "written": True,
        "said": "nan",
    }
    return Told(**(fields | changes))


def read(item: str, dims: tuple[str, ...] = ("step", "layer"), **changes: Any) -> EffectMap:
    coords = {name: AXES[name] for name in dims}
    shape = [len(labels) for labels in coords.values()]
    values = np.random.default_rng(len(item)).normal(size=shape)
    fields = {"group": "g", "kind": "read", "outcome": OUTCOMES[0], "te": 1 / 3} | changes
    return EffectMap(values, dims, coords, item, **fields)


def results(names: tuple[str, ...] = ("a", "名前 🙂", "NA", " b\t")) -> Results:
    rng = np.random.default_rng(0)
    groups = tuple("nan" if number % 2 else "g" for number in range(len(names)))
    return Results(
        manifest=MANIFEST,
        items=tuple(
            Measured(name, group, world(3), world(4, tokens=(), steps=(), states_answer=None, written=False, said=None))
            for name, group in zip(names, groups, strict=True)
        ),
        cubes=tuple(Cube(rng.normal(size=(len(names), 2, 2, 2)) / 3, names, groups, outcome) for outcome in OUTCOMES),
        maps=(
            *(read(name) for name in names[:-1]),
            *(read(name, kind="attribution.z", agreement=trust(place)) for place, name in enumerate(names[:2])),
            *(graph(name) for name in names[:1]),
        ),
        rejects=(
            Reject("ü", "empty_cot", "leer\nund \u2028 mehr 🙂", "pairs.jsonl:3"),
            Reject("", "invalid", "no JSON", "x", part="read:step,layer"),
        ),
        cut=tuple(
            Cube(rng.normal(size=(len(names[1:]), 2, 2, 2)), names[1:], groups[1:], outcome)
            for outcome in OUTCOMES
            if names[1:]
        ),
        controls=tuple(
            each
            for name in names[:1]
            for each in (
                Controlled(name, "g", Control.SELF_SOURCE, OUTCOMES[0], 0.0, 1 / 3),
                Controlled(name, "g", Control.RANDOM_POSITIONS, OUTCOMES[0], 0.1, 0.2, p=1 / 21, draws=20),
                Controlled(name, "g", Control.SAME_ANSWER, OUTCOMES[0], reason="no other 🙂"),
            )
        ),
    )


def trust(place: int) -> Agreement:
    gap = float("nan") if place else 0.25
    return Agreement(1 / 3, 0.5, float("nan"), 1.0, 2 / 3, 32, 8, place, gap)


def graph(item: str) -> EffectMap:
    values = np.array([[np.nan, 1 / 3], [np.nan, np.nan]])
    coords = {"step": (0, 1), "result": (0, 1)}
    return EffectMap(values, tuple(coords), coords, item, "g", "step_graph.read", "result_logit_diff", 1.0)


def assert_same(found: Results, wanted: Results) -> None:
    assert (found.manifest, found.items, found.rejects) == (wanted.manifest, wanted.items, wanted.rejects)
    for cube, other in zip((*found.cubes, *found.cut), (*wanted.cubes, *wanted.cut), strict=True):
        np.testing.assert_array_equal(cube.y, other.y)
        assert (cube.items, cube.groups, cube.outcome) == (other.items, other.groups, other.outcome)
    assert_same_maps(found.maps, wanted.maps)
    # NaN is not equal to itself, but is written alike.
    assert list(map(repr, found.controls)) == list(map(repr, wanted.controls))


def assert_same_maps(found: tuple[EffectMap, ...], wanted: tuple[EffectMap, ...]) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        assert repr(one.agreement) == repr(other.agreement)
        assert replace(one, values=other.values, agreement=None) == replace(other, agreement=None)


@pytest.mark.parametrize(
    "wanted",
    [
        results(),
        results(names=()),
        replace(results(), maps=(), rejects=(), cut=(), controls=()),
        Results(manifest={"status": "success", "spec": {}}),
        replace(results(("a",)), items=(Measured("a", "g", *[world(1, said=None, states_answer=None)] * 2),)),
    ],
    ids=["full", "nothing measured", "no maps", "nothing at all", "all optional fields empty"],
)
def test_a_run_directory_holds_what_was_written(tmp_path: Path, wanted: Results) -> None:
    folder = tmp_path / "new" / "run"
    write_results(folder, wanted)
    assert_same(read_results(folder), wanted)
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        "rejects.jsonl",
        "results/agreement.parquet",
        "results/controls.parquet",
        "results/cube.parquet",
        "results/cut.parquet",
        "results/effects.parquet",
        "results/items.parquet",
        "run.json",
    ]


def test_writing_again_replaces(tmp_path: Path) -> None:
    write_results(tmp_path, results())
    write_results(tmp_path, results(("z",)))
    assert_same(read_results(tmp_path), results(("z",)))


def test_the_cube_is_a_plain_table_with_named_cells(tmp_path: Path) -> None:
    wanted = results()
    write_results(tmp_path, wanted)
    table = pq.read_table(tmp_path / "results" / "cube.parquet").to_pandas()
    assert list(table.columns) == ["item", "group", "outcome", "contrast", *CELL_COLUMNS]
    row = table[(table.item == "NA") & (table.outcome == "logprob_diff")].iloc[0]
    assert row["y011"] == wanted.cubes[1].y[2, 0, 1, 1]
    assert row["y100"] == wanted.cubes[1].y[2, 1, 0, 0]


@given(
    names=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4, unique=True),
    values=st.lists(st.floats(-1e300, 1e300), min_size=8, max_size=8),
)
@settings(deadline=None, max_examples=60)
def test_cubes_survive_their_table_bit_by_bit(names: list[str], values: list[float]) -> None:
    y = np.array([values] * len(names)).reshape(-1, 2, 2, 2) / 7
    wanted = Cube(y, tuple(names), tuple(names), "logit_diff")
    (found,) = cubes_from_table(cube_table([wanted]))
    np.testing.assert_array_equal(found.y, y)
    assert (found.items, found.groups) == (wanted.items, wanted.groups)


@pytest.mark.parametrize(
    "dims",
    [
        [("step", "layer"), ("step",), ("layer",)],
        [("layer",), ("step", "layer")],
        [("layer", "kv_head"), ("step",), ("step", "layer"), ("step", "kv_head")],
        [("layer", "step")],
    ],
)
def test_maps_of_different_axes_stand_in_one_table(tmp_path: Path, dims: list[tuple[str, ...]]) -> None:
    wanted = tuple(read(item, each) for item in ("a", "bb") for each in dims)
    assert_same_maps(maps_from_table(effect_table(wanted)), wanted)
    write_results(tmp_path, replace(results(), maps=wanted))
    assert_same_maps(read_results(tmp_path).maps, wanted)


def test_maps_of_opposite_axes_are_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        effect_table([read("a", ("step", "layer")), read("a", ("layer", "step"))])


def test_empty_tables() -> None:
    assert cubes_from_table(cube_table([])) == ()
    assert maps_from_table(effect_table([])) == ()
    assert items_from_table(item_table([])) == ()


def test_a_cube_is_found_by_its_outcome() -> None:
    found = results()
    assert found.cube() is found.cubes[0]
    assert found.cube("logprob_diff") is found.cubes[1]
    with pytest.raises(InputError, match="'accuracy' in these results; there is: logit_diff, logprob_diff"):
        found.cube("accuracy")
    with pytest.raises(InputError, match="there is: none"):
        Results(manifest={}).cube()


def test_a_cube_over_other_items_is_refused() -> None:
    with pytest.raises(ValueError, match="'logit_diff' is not over the run's items"):
        replace(results(), items=results().items[1:])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def without(column: str) -> Callable[[Path], None]:
    def drop(path: Path) -> None:
        pd.read_parquet(path).drop(columns=column).to_parquet(path)

    return drop


def with_nan(path: Path) -> None:
    pd.read_parquet(path).assign(y000=np.nan).to_parquet(path)


def of_strings(path: Path) -> None:
    pd.read_parquet(path).assign(y000="many").to_parquet(path)


def one_row_less(path: Path) -> None:
    pd.read_parquet(path).iloc[1:].to_parquet(path)


def holding(text: str | bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(text if isinstance(text, bytes) else text.encode()) and None


def drop_sums(folder: Path) -> None:
    """Makes a run directory one of before."""
    manifest = json.loads((folder / "run.json").read_text())
    del manifest["sums"]
    (folder / "run.json").write_text(json.dumps(manifest))


DAMAGE = {
    "no manifest": ("run.json", Path.unlink, "not a run directory"),
    "half a manifest": ("run.json", holding('{"status": '), "not JSON"),
    "a manifest in latin-1": ("run.json", holding('{"status": "ü"}'.encode("latin-1")), "not JSON"),
    "a list for a manifest": ("run.json", holding("[]"), "holds a list"),
    "unfinished": ("run.json", holding('{"status": "started"}'), "status is 'started'"),
    "no status": ("run.json", holding("{}"), "status is None"),
    "no rejects": ("rejects.jsonl", Path.unlink, "rejects.jsonl: cannot be read"),
    "half a reject": ("rejects.jsonl", holding('{"item": "a"'), "rejects.jsonl: cannot be read"),
    "a reject with other fields": ("rejects.jsonl", holding('{"when": 1}'), "rejects.jsonl: cannot be read"),
    "rejects that are a list": ("rejects.jsonl", holding("[1]"), "rejects.jsonl: cannot be read"),
    "rejects in binary": ("rejects.jsonl", holding(b"\xff\xfe"), "rejects.jsonl: cannot be read"),
} | {
    f"{how} {name}": (f"results/{name}.parquet", damage, f"{name}.parquet: cannot be read")
    for name in ("cube", "effects", "items")
    for how, damage in {"no": Path.unlink, "a cut": cut, "an empty": holding(""), "a text for": holding("PAR1")}.items()
}
DAMAGE |= {
    "no column of the cube": ("results/cube.parquet", without("y010"), "has no column"),
    "no column of the effects": ("results/effects.parquet", without("te"), "has no column"),
    "no column of the items": ("results/items.parquet", without("said"), "has no column"),
    "NaN in the cube": ("results/cube.parquet", with_nan, "NaN or infinite"),
    "words in the cube": ("results/cube.parquet", of_strings, "cannot be read"),
    "a row less in the cube": ("results/cube.parquet", one_row_less, "not over the run's items"),
    "a row less in the effects": ("results/effects.parquet", one_row_less, "cannot be read"),
    "a row less in the items": ("results/items.parquet", one_row_less, "no column 'base'"),
}


@pytest.mark.parametrize(("file", "damage", "message"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_directory_is_reported_in_one_line(
    tmp_path: Path, file: str, damage: Callable[[Path], None], message: str
) -> None:
    """As far as that can be seen without sums."""
    write_results(tmp_path, results())
    drop_sums(tmp_path)
    damage(tmp_path / file)
    with pytest.raises(InputError, match=message) as caught:
        read_results(tmp_path)
    said = str(caught.value)
    assert "\n" not in said
    assert str(tmp_path) in said
    assert "; " in said, "no remedy"


@pytest.mark.parametrize("name", [name for name, (file, _, _) in DAMAGE.items() if file != "run.json"])
def test_a_file_that_was_changed_has_another_sum(tmp_path: Path, name: str) -> None:
    file, damage, _ = DAMAGE[name]
    write_results(tmp_path, results())
    damage(tmp_path / file)
    with pytest.raises(InputError, match=f"{file}: cannot be read .*(another sum|No such file)"):
        read_results(tmp_path)


@pytest.mark.parametrize("name", TABLES)
def test_every_flipped_bit_of_a_table_is_noticed(tmp_path: Path, name: str) -> None:
    write_results(tmp_path, results())
    path = tmp_path / "results" / f"{name}.parquet"
    whole, sums = path.read_bytes(), json.loads((tmp_path / "run.json").read_text())["sums"]
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        with pytest.raises(ValueError, match="another sum"):
            check_sum(f"results/{name}.parquet", bytes(flipped), sums)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 4]))
    with pytest.raises(InputError, match=f"{name}.parquet: cannot be read .*another sum"):
        read_results(tmp_path)
    path.write_bytes(whole)
    read_results(tmp_path)


def test_no_flipped_bit_is_a_traceback_in_a_run_without_sums(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_results(tmp_path, results())
    drop_sums(tmp_path)
    path = tmp_path / "results" / "cube.parquet"
    whole = path.read_bytes()
    rng, refused = np.random.default_rng(0), 0
    for place in rng.choice(len(whole), 150, replace=False):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(flipped))
        with suppress(InputError):
            read_results(tmp_path)
            continue
        refused += 1
    assert 10 < refused < 150
    assert len([each for each in caplog.records if "without sums" in each.getMessage()]) == 1


def test_a_run_of_before_is_read_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_results(tmp_path / "old", results())
    drop_sums(tmp_path / "old")
    assert_same(read_results(tmp_path / "old"), results())
    assert f"{tmp_path / 'old'}: was written without sums" in caplog.text
    caplog.clear()
    write_results(tmp_path / "new", results())
    read_results(tmp_path / "new")
    assert not caplog.records


@pytest.mark.parametrize("sums", [None, [], {"results/cube.parquet": 1}, {}, {"rejects.jsonl": "x"}])
def test_sums_that_are_none_are_refused(tmp_path: Path, sums: object) -> None:
    write_results(tmp_path, results())
    path = tmp_path / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sums": sums}))
    with pytest.raises(InputError, match=r"sum.*score into a new directory"):
        read_results(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"status": "success"}', "does not say what was run"),
        ('{"status": "success", "spec": []}', "does not say what was run"),
        ('{"status": "success", "spec": {"level": NaN}}', "NaN is no number in JSON"),
        ('{"status": "success", "spec": {"min_te": Infinity}}', "Infinity is no number in JSON"),
        ('{"status": "success", "spec": {"level": 95}}', "its level is '95'"),
        ('{"status": "success", "spec": {"level": null}}', "its level is 'None'"),
        ('{"status": "success", "spec": {"level": "0.95"}}', "its level is '0.95'"),
        ('{"status": "success", "spec": {"min_te": 1e999}}', "its min_te is 'inf'"),
        ('{"status": "success", "spec": {"min_te": -1}}', "its min_te is '-1'"),
        ('{"status": "success", "spec": {"seed": 0.5}}', "its seed is '0.5'"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_manifest_that_says_nothing_is_refused(tmp_path: Path, text: str, said: str) -> None:
    write_results(tmp_path, results())
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=f"run.json: .*{re.escape(said)}.*score into a new directory"):
        read_results(tmp_path)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mediate score"):
        read_manifest(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="not a run directory"):
        read_results(tmp_path / "file")


def test_a_manifest_is_json_that_anyone_can_read(tmp_path: Path) -> None:
    write_manifest(tmp_path, MANIFEST)
    text = (tmp_path / "run.json").read_text(encoding="utf-8")
    assert "測定" in text
    assert json.loads(text) == MANIFEST == read_manifest(tmp_path)
    with pytest.raises(ValueError, match="JSON compliant"):
        write_manifest(tmp_path, {"seconds": float("nan")})
    assert read_manifest(tmp_path) == MANIFEST


def test_the_manifest_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run directory with a finished manifest has all its files."""
    from mediate import files
    from mediate.results import folder as room

    written: list[str] = []
    really = files.write_atomic

    def note(path: Path, write: Callable[[Path], None]) -> None:
        written.append(path.name)
        really(path, write)

    for module in (files, room):
        monkeypatch.setattr(module, "write_atomic", note)
    write_results(tmp_path, results())
    assert written[-2:] == ["rejects.jsonl", "run.json"]
    assert sorted(written[:-2]) == sorted(f"{name}.parquet" for name in room.TABLES)


def test_maps_and_items_may_stand_in_pieces() -> None:
    wanted = results()
    plain = tuple(replace(each, agreement=None) for each in wanted.maps)
    maps, items = effect_table(plain), item_table(wanted.items)
    # The second half of every map's rows after all first halves: each map is in two pieces, in its own order.
    late = maps["step"] == 2
    assert_same_maps(maps_from_table(pd.concat([maps[~late], maps[late]])), plain)
    turned = pd.concat([items[items["world"] == "source"], items[items["world"] == "base"]])
    assert items_from_table(turned) == wanted.items
