import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.errors import InputError, ItemError
from mediate.pairs import Item, Pair, read_pairs, scan_pairs, write_pairs
from mediate.pairs.pair import pair_said


def line(**change: Any) -> dict[str, Any]:
    """A good line, with some keys replaced; a value of `...` takes the key out."""
    row = {
        "id": "a",
        "group": "g",
        "base": {"question": "Tom has 3 apples.", "answer": "3", "cot": "Tom counts.", "values": [3]},
        "source": {"question": "Tom has 2 apples.", "answer": "2"},
    } | change
    return {key: value for key, value in row.items() if value is not ...}


def world(**change: Any) -> dict[str, Any]:
    row = {"question": "Tom has 9 apples.", "answer": "9"} | change
    return {key: value for key, value in row.items() if value is not ...}


def put(folder: Path, *rows: Any, name: str = "pairs.jsonl") -> Path:
    """A file of lines; bytes go in as they are."""
    path = folder / name
    path.write_bytes(b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows))
    return path


def test_a_condition_is_read_and_written(tmp_path: Path) -> None:
    """It changes what a set says, where there is one; a set without any says what it always said."""
    path = put(tmp_path, line(condition=7), line(id="b"), line(id="c", condition="with a clause"))
    pairs = read_pairs(path)
    assert [each.condition for each in pairs] == ["7", "", "with a clause"]
    write_pairs(tmp_path / "again.jsonl", pairs)
    again = read_pairs(tmp_path / "again.jsonl")
    assert [replace(each, place="") for each in again] == [replace(each, place="") for each in pairs]
    assert "condition" not in pair_said(pairs[1])
    assert pair_said(pairs[0]) != pair_said(replace(pairs[0], condition=""))
    with pytest.raises(ItemError, match="'condition' is blank; give a string or an integer"):
        read_pairs(put(tmp_path, line(condition=" ")))


def test_a_line_becomes_a_pair(tmp_path: Path) -> None:
    path = put(tmp_path, line(meta={"anything": [1, {"x": None}]}))
    assert read_pairs(path) == (
        Pair(
            id="a",
            group="g",
            base=Item("Tom has 3 apples.", "3", "Tom counts.", (3,)),
            source=Item("Tom has 2 apples.", "2"),
            place=f"{path}:1",
        ),
    )


def test_integers_nulls_and_white_space_around_answers(tmp_path: Path) -> None:
    path = put(tmp_path, line(id=7, group=1, base=world(answer=12, cot=None, values=None), source=world(answer=" 5\n")))
    (pair,) = read_pairs(str(path))
    assert (pair.id, pair.group, pair.base.answer, pair.base.cot, pair.source.answer) == ("7", "1", "12", None, "5")


def test_line_ends_are_line_feeds_only(tmp_path: Path) -> None:
    question = "one\u2028two\x85three\u2029"
    first = json.dumps(line(base=world(question=question)), ensure_ascii=False).encode()
    first = first.replace(b", ", b",\r", 1)  # between tokens it is white space
    path = put(tmp_path, b"\xef\xbb\xbf" + first + b"\r", b"", b"  \r", line(id="b"), b"")
    pairs = read_pairs(path)
    assert pairs[0].base.question == question
    assert [pair.place for pair in pairs] == [f"{path}:1", f"{path}:4"]


@pytest.mark.parametrize(
    ("row", "item", "code", "said"),
    [
        (b'{"id": "a",', "", "malformed_json", "one JSON object a line"),
        (b"[1]", "", "malformed_json", "holds an array"),
        (b'{"id": "a", "group": NaN}', "", "malformed_json", "NaN"),
        (b'{"id": "a", "group": -Infinity}', "", "malformed_json", "-Infinity"),
        (b'{"id": "a", "meta": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "", "malformed_json", "nested"),
        (b'{"id": ' + b"1" * 5000 + b"}", "", "malformed_json", "digits"),
        (b'{"id": "a", "id": "b"}', "", "duplicate_key", "'id'"),
        (b'{"id": "a", "base": {"answer": 1, "answer": 2}}', "", "duplicate_key", "'answer'"),
        (b'{"id": "\xff"}', "", "bad_encoding", "byte 9"),
        (b'{"id": "a", "meta": "\\ud83d"}', "", "bad_encoding", "surrogate"),
        (line(id=True), "", "wrong_type", "true or false"),
        (line(id=1.0), "", "wrong_type", "decimal"),
        (line(id=" "), "", "empty_id", "blank"),
        (line(group=""), "a", "empty_group", "blank"),
        (line(source=...), "a", "missing_field", "'source'"),
        (line(source="text"), "a", "wrong_type", "'source'"),
        (line(notes=None), "a", "unknown_field", "'notes'"),
        (line(base=world(Question="x")), "a", "unknown_field", "'base.Question'"),
        (line(base=world(question=...)), "a", "missing_field", "'base.question'"),
        (line(base=world(question=5)), "a", "wrong_type", "'base.question'"),
        (line(base=world(question="  ")), "a", "empty_question", "base"),
        (line(base=world(answer=None)), "a", "missing_field", "'base.answer'"),
        (line(base=world(answer=5.0)), "a", "wrong_type", "'base.answer'"),
        (line(base=world(answer=False)), "a", "wrong_type", "'base.answer'"),
        (line(base=world(answer=" ")), "a", "empty_answer", "base"),
        (line(base=world(cot="")), "a", "empty_cot", "base"),
        (line(base=world(cot=["x"])), "a", "wrong_type", "'base.cot'"),
        (line(base=world(values=[1, "2"])), "a", "wrong_type", "'base.values'"),
        (line(base=world(values=[True])), "a", "wrong_type", "'base.values'"),
        (line(base=world(answer="2")), "a", "equal_answers", "'2'"),
        (line(base=world(answer=23)), "a", "prefix_answer", "'23'"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_is_read(tmp_path: Path, row: Any, item: str, code: str, said: str) -> None:
    path = put(tmp_path, line(id="first"), row, line(id="last"))
    found = scan_pairs(path)
    assert [pair.id for pair in found.pairs] == ["first", "last"]
    (error,) = found.errors
    assert (error.place, error.item, error.code) == (f"{path}:2", item, code)
    assert said in error.reason
    assert ";" in error.reason  # what is wrong; what to do
    assert "\n" not in str(error)
    with pytest.raises(ItemError) as raised:
        read_pairs(path)
    assert str(raised.value) == str(error)


def test_the_line_is_the_id_and_the_id_the_group_where_there_is_none(tmp_path: Path) -> None:
    rows = [line(id=...), line(id="x", group=...), line(id=None, group=None)]
    found = read_pairs(put(tmp_path, b"", *rows))
    assert [(pair.id, pair.group) for pair in found] == [("2", "g"), ("x", "x"), ("4", "4")]
    path = tmp_path / "pairs.parquet"
    pq.write_table(pa.Table.from_pylist([line(id="1"), line(id=None, group=None)]), path)
    assert [(pair.id, pair.group) for pair in read_pairs(path)] == [("1", "g"), ("2", "2")]
    (error,) = scan_pairs(put(tmp_path, line(id="2"), line(id=...))).errors
    assert (error.item, error.code) == ("2", "duplicate_id")


def test_an_unknown_key_lists_the_allowed_ones(tmp_path: Path) -> None:
    (error,) = scan_pairs(put(tmp_path, line(base=world(hint="x")))).errors
    assert "question, answer, cot, values" in error.reason
    assert "'meta'" in error.reason


@pytest.mark.parametrize("first", [line(id=1), line(id=1, group=" ")], ids=["good", "bad"])
def test_the_second_of_two_equal_ids_is_the_error(tmp_path: Path, first: dict[str, Any]) -> None:
    path = put(tmp_path, line(id="0"), first, line(id="1"))
    found = scan_pairs(path)
    assert "1" not in [pair.id for pair in found.pairs if pair.place == f"{path}:3"]
    error = found.errors[-1]
    assert (error.place, error.item, error.code) == (f"{path}:3", "1", "duplicate_id")
    assert f"{path}:2" in error.reason


def test_places_are_the_path_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, line())
    monkeypatch.chdir(tmp_path)
    assert read_pairs("./pairs.jsonl")[0].place == "./pairs.jsonl:1"


def _none(path: Path) -> None:
    del path


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("none.jsonl", _none, "no such file"),
        ("folder.jsonl", Path.mkdir, "a directory"),
        ("pairs.csv", Path.touch, "suffix"),
        ("empty.jsonl", Path.touch, "no pairs"),
        ("blank.json", lambda path: path.write_text("\n \r\n"), "no pairs"),
        ("array.json", lambda path: path.write_text("\n[\n" + json.dumps(line()) + "]"), "jq -c '.[]'"),
        ("bad.parquet", lambda path: path.write_bytes(b"PAR1, or so it says"), "Parquet"),
        ("none.parquet", lambda path: pq.write_table(pa.table({"id": pa.array([], pa.string())}), path), "no pairs"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, name: str, make: Callable[[Path], Any], said: str) -> None:
    path = tmp_path / name
    make(path)
    for read in (read_pairs, scan_pairs):
        with pytest.raises(InputError, match=said.replace("[", r"\[").replace(".", r"\.")) as raised:
            read(path)
        assert str(raised.value).startswith(f"{path}: ")
        assert "\n" not in str(raised.value)


def test_both_shapes_of_parquet_read_as_json_lines_do(tmp_path: Path) -> None:
    rows = [line(meta={"note": "x"}), line(id="b", base=world(answer="7", cot=None), source=world(answer="8"))]
    flat = [
        {"id": row["id"], "group": row["group"]}
        | {f"{side}_{key}": value for side in ("base", "source") for key, value in row[side].items()}
        for row in rows
    ]
    expected = read_pairs(put(tmp_path, *rows))
    for name, table in (("nested", rows), ("flat", flat)):
        path = tmp_path / f"{name}.parquet"
        pq.write_table(pa.Table.from_pylist(table, schema=None if name == "nested" else _flat_schema()), path)
        pairs = read_pairs(path)
        assert [pair.place for pair in pairs] == [f"{path}:row 1", f"{path}:row 2"]
        assert _without_place(pairs) == _without_place(expected)


def _flat_schema() -> pa.Schema:
    text, numbers = pa.string(), pa.list_(pa.int64())
    world = [("question", text), ("answer", text), ("cot", text), ("values", numbers)]
    names = [(f"{side}_{key}", kind) for side in ("base", "source") for key, kind in world]
    return pa.schema([("id", text), ("group", text), *names])


def _without_place(pairs: tuple[Pair, ...]) -> list[Pair]:
    return [Pair(pair.id, pair.group, pair.base, pair.source) for pair in pairs]


def test_parquet_rows_are_checked_like_lines(tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    rows = [line(id=1), line(id=2, group=" "), line(id=1)]
    table = pa.Table.from_pylist(rows).append_column("__index_level_0__", pa.array([4, 5, 6]))
    pq.write_table(table, path)
    found = scan_pairs(path)
    assert [pair.id for pair in found.pairs] == ["1"]
    assert [(error.place, error.code) for error in found.errors] == [
        (f"{path}:row 2", "empty_group"),
        (f"{path}:row 3", "duplicate_id"),
    ]
    pq.write_table(table.append_column("score", pa.array([1, 2, 3])), path)
    assert [error.code for error in scan_pairs(path).errors] == ["unknown_field", "unknown_field", "duplicate_id"]


def test_parquet_text_that_is_not_utf8_costs_its_row_only(tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    bad = pa.array([b"a", b"\xff"]).view(pa.string())
    flat = {"id": bad, "group": ["g", "g"], "base_question": ["q", "q"], "base_answer": ["1", "1"]}
    pq.write_table(pa.table(flat | {"source_question": ["r", "r"], "source_answer": ["2", "2"]}), path)
    found = scan_pairs(path)
    assert [pair.id for pair in found.pairs] == ["a"]
    assert [(error.place, error.code) for error in found.errors] == [(f"{path}:row 2", "bad_encoding")]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(lambda text: text.strip())


@given(
    questions=st.tuples(TEXT, TEXT),
    cots=st.tuples(st.none() | TEXT, st.none() | TEXT),
    names=st.tuples(TEXT, TEXT),
    values=st.lists(st.integers(), max_size=3),
)
@settings(deadline=None)
def test_what_is_written_reads_back_equal(
    tmp_path_factory: pytest.TempPathFactory,
    questions: tuple[str, str],
    cots: tuple[str | None, str | None],
    names: tuple[str, str],
    values: list[int],
) -> None:
    path = tmp_path_factory.mktemp("pairs") / "new" / "pairs.jsonl"
    base = Item(questions[0], "1\u2028x", cots[0], tuple(values))
    pairs = (
        Pair(*names, base, Item(questions[1], "2", cots[1])),
        Pair(names[0] + "'", *names[1:], base, Item("q", "3")),
    )
    write_pairs(path, pairs)
    assert _without_place(read_pairs(path)) == list(pairs)
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2
    assert [each.name for each in path.parent.iterdir()] == ["pairs.jsonl"]


def _pair(name: str = "a", answer: str = "1", question: str = "q") -> Pair:
    return Pair(name, "g", Item(question, answer), Item("r", "2"))


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([], "no pairs"),
        ([_pair(), _pair()], "already at"),
        ([_pair(name=" ")], "blank"),
        ([_pair(answer=" 1")], "white space"),
        ([_pair(question="\ud83d")], "UTF-8|surrogate"),
    ],
)
def test_pairs_that_would_not_read_back_leave_the_old_file(tmp_path: Path, pairs: list[Pair], said: str) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text("old")
    with pytest.raises(InputError, match=said):
        write_pairs(path, pairs)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["pairs.jsonl"]


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_pairs(tmp_path / "pairs.jsonl", [_pair()])
    assert not list(tmp_path.iterdir())


def test_pairs_are_written_as_json_lines_only(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.jsonl"):
        write_pairs(tmp_path / "pairs.parquet", [_pair()])
