"""Bad and odd pairs files from users' hands: each ends in its one line, or is read; none in a traceback."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import mediate
from mediate.errors import InputError

CORPUS = Path(__file__).parents[1] / "corpus"
UNKNOWN = "the tokenizer has no token for {} of the base"
# What the line says after the file's name; an empty one is a file that is good.
LINES = {
    "ansi_id.jsonl": r":1: item '\x1b[2J\x1b]0;pwned\x07x': both answers are '3'; a pair needs a question change",
    "answer_blank.jsonl": ":1: item 'a1': the base answer is empty; write one",
    "answer_empty.jsonl": ":1: item 'a1': the base answer is empty; write one",
    "answer_float.jsonl": ":1: item 'a1': 'base.answer' is a decimal number; give a string or an integer",
    "answer_newline.jsonl": "",
    "answer_prefix.jsonl": ":1: item 'a1': answer '3' is a prefix of '34'; choose worlds whose answers part ways",
    "answers_equal.jsonl": ":1: item 'a1': both answers are '3'; a pair needs a question change",
    "answers_equal_space.jsonl": ":1: item 'a1': both answers are '3'; a pair needs a question change",
    "array_pretty.json": ": begins with a JSON array; give one JSON object a line; convert with jq -c '.[]'",
    "base_list.jsonl": ":1: item 'a1': 'base' is an array; give it as an object with question, answer, cot, values",
    "blank_group.jsonl": ":1: item 'a1': 'group' is blank; give a string or an integer",
    "blank_id.jsonl": ":1: 'id' is blank; give a string or an integer",
    "bom_second_line.jsonl": ":2: not JSON (Unexpected UTF-8 BOM",
    "bytes_question.parquet": ":row 1: item 'a': 'base.question' is a value of type bytes; give a string",
    "comment.jsonl": ":1: not JSON (Expecting value, character 1); write one JSON object a line",
    "control_bos_eos.jsonl": f":1: item 'a1': {UNKNOWN.format(repr('<'))[:31]}",
    "control_think.jsonl": f":1: item 'a1': {UNKNOWN.format(repr('<'))[:31]}",
    "cot_empty.jsonl": ":1: item 'a1': the base CoT is empty; leave 'cot' out to let the model write it",
    "cot_list.jsonl": ":1: item 'a1': 'base.cot' is an array; give a string",
    "cot_number.jsonl": ":1: item 'a1': 'base.cot' is an integer; give a string",
    "cot_whitespace.jsonl": ":1: item 'a1': the base CoT is empty; leave 'cot' out to let the model write it",
    "cr_only.jsonl": ":1: not JSON (Extra data, character 201); write one JSON object a line",
    "csv.csv": ": of no kind that is known, by its keys (id, group); name the columns that count",
    "cut.parquet": ": not readable as Parquet (",
    "dup_id.jsonl": ":2: item 'ok': the id is already at ",
    "dup_id_int_str.jsonl": ":2: item '1': the id is already at ",
    "dup_key_nested.jsonl": ":1: the key 'answer' occurs twice in one object; keep one",
    "emoji.jsonl": ":1: item '👨\\u200d👩\\u200d👧': the tokenizer has no token for '😀' of the base question; ",
    "empty.parquet": ": not readable as Parquet (Parquet file size is 0 bytes); write the file again",
    "extra_column.parquet": ": column 'extra' is no field; fields are id, group, condition, base, source, meta",
    "flat_ok.parquet": "",
    "flip_page.parquet": ": not readable as Parquet (",
    "float_answers.parquet": ":row 1: item 'a': 'base.answer' is a decimal number; give a string or an integer",
    "float_overflow.jsonl": "",
    "gz.jsonl.gz": ": not a file of items by its suffix; use one of .jsonl, .json, .csv, .tsv, .eval, .parquet",
    "gz_named.jsonl": ": packed with gzip; unpack it first",
    "huge_int.jsonl": ":1: a number cannot be read (Exceeds the limit (4300 digits) for integer string conversion",
    "id_bool.jsonl": ":1: 'id' is true or false; give a string or an integer",
    "id_list.jsonl": ":1: 'id' is an array; give a string or an integer",
    "infinity_literal.jsonl": ":1: -Infinity is not JSON; write a number or null",
    "invalid_utf8_string.parquet": ":row 1: a text is not UTF-8; write the file again from decoded text",
    "key_case.jsonl": ":1: item '1': unknown key 'ID'; allowed are id, group, condition, base, source, meta",
    "lfs_pointer.jsonl": ":1: not JSON (Expecting value, character 1); write one JSON object a line",
    "lone_surrogate.jsonl": ":1: a text holds half of a surrogate pair (such as \\ud83d alone), which no",
    "missing_answer.jsonl": ":2: item 'x': 'base.answer' is missing; give a string or an integer",
    "missing_group.jsonl": "",
    "missing_source.jsonl": ":1: item 'a1': 'source' is missing; give it as an object",
    "nan_answers.parquet": ":row 1: item 'a': 'base.answer' is a decimal number; give a string or an integer",
    "nel_x85.jsonl": ":1: item 'a1': the tokenizer has no token for '\\x85' of the base question; ",
    "no_suffix": ": not a file of items by its suffix; use one of .jsonl, .json, .csv, .tsv, .eval, .parquet",
    "not_parquet.parquet": ": not readable as Parquet (",
    "nul_bytes.jsonl": ":1: not JSON (Expecting value, character 1); write one JSON object a line",
    "nul_in_string.jsonl": ":1: item 'a1': the tokenizer has no token for '\\x00' of the base question; ",
    "null_cot.parquet": "",
    "null_line.jsonl": ":1: holds null; write one JSON object a line",
    "nulls.parquet": ":row 2: item 'b': 'source.answer' is missing; give a string or an integer",
    "only_newlines.jsonl": ": holds no items; write one JSON object a line, or one row an item",
    "pretty_object.json": ":1: not JSON (Expecting property name enclosed in double quotes, character 2); write",
    "question_number.jsonl": ":1: item 'a1': 'base.question' is an integer; give a string",
    "questions_equal.jsonl": ":1: item 'a1': both worlds ask the same question, and the answers are '3' and '4'",
    "string_line.jsonl": ":1: holds text; write one JSON object a line",
    "struct_list_question.parquet": ":row 1: item 'a': 'base.question' is an array; give a string",
    "timestamp_id.parquet": ":row 1: 'id' is a value of type datetime; give a string or an integer",
    "trailing_comma.jsonl": ":1: not JSON (Expecting property name enclosed in double quotes, character 11); write one",
    "truncated.jsonl": ":2: not JSON (Unterminated string starting at, character 52); write one JSON object a line",
    "truncated_first.jsonl": ":1: not JSON (Expecting ',' delimiter, character 51); write one JSON object a line",
    "u2028.jsonl": ":1: item 'u\\u2028v': the tokenizer has no token for '\\u2028' of the base question; ",
    "unknown_key.jsonl": ":1: item 'a1': unknown key 'extra'; allowed are id, group, condition, base, source, meta",
    "utf16be.jsonl": ":1: not JSON (Expecting value, character 1); write one JSON object a line",
    "utf16le_bom.jsonl": ":1: not UTF-8 (byte 1 of the line); save the file as UTF-8",
    "values_bool.jsonl": ":1: item 'a1': 'base.values' is not a list of integers; give the result of each step",
    "values_strings.jsonl": ":1: item 'a1': 'base.values' is not a list of integers; give the result of each step",
    "wrong_columns.parquet": ": of no kind that is known, by its keys (a, b); name the columns that count",
    "zero_rows.parquet": ": holds no items; write one JSON object a line, or one row an item",
}
WORLDS = {
    "base": {"question": "Start 4, add 9. Hint 3.", "answer": "3", "cot": "4 + 9 = 3."},
    "source": {"question": "Start 5, add 9. Hint 4.", "answer": "4", "cot": "5 + 9 = 4."},
}
LONG = "4 + 9 = 3. " * 100_000
# Files made on the spot: bytes, or changes of a good line.
MADE: dict[str, tuple[Any, str]] = {
    "bom": (b"\xef\xbb\xbf%s\n", ""),
    "crlf": (b"%s\r\n", ""),
    "blank lines": (b"\n%s\n\n\n", ""),
    "integer answers": ({"base": {"answer": 3}, "source": {"answer": 4}}, ""),
    "meta": ({"meta": {"any": [1, None]}}, ""),
    "long question": ({"base": {"question": LONG}}, ":1: item 'a1': the base question has 1100000 characters, and a"),
    "long chain": ({"source": {"cot": LONG}}, ":1: item 'a1': the source CoT has 1100000 characters, and a context of"),
    "long unasked question": ({"base": {"question": LONG, "cot": None}}, ":1: item 'a1': the base question has 11"),
    "long answer": ({"base": {"answer": "5" + LONG}}, ":1: item 'a1': the base answer has 1100000 characters, and a"),
    "long answer that goes on": ({"source": {"answer": "3" + LONG}}, ":1: item 'a1': answer '3' is a prefix of '34 + "),
    "long id": ({"id": LONG}, ":1: 'id' has 1100000 characters; give one of at most 500"),
    "long group": ({"group": LONG}, ":1: item 'a1': 'group' has 1100000 characters; give one of at most 500"),
    "long key": ({LONG: 1}, ":1: item 'a1': unknown key '4 + 9 = 3. 4 + 9"),
    "spellings": ({"base": {"answer": "1,000"}, "source": {"answer": "1000"}}, ":1: item 'a1': the answers '1,000'"),
    "zeros": ({"base": {"answer": "7.0"}, "source": {"answer": "07"}}, ":1: item 'a1': the answers '7.0' and '07' are"),
    "minus": ({"base": {"answer": "\u22125"}, "source": {"answer": "-5"}}, ":1: item 'a1': the answers '−5'"),
    "spaced question": (
        {"source": {"question": " Start 4,  add 9. Hint 3."}},
        ":1: item 'a1': both worlds ask the same question",
    ),
}  # fmt: skip


@cache
def model() -> Any:
    return mediate.load("reference-0.1m", device="cpu")


def check(path: Path, line: str) -> None:
    options: dict[str, Any] = {"store": False, "progress": False, "control_pairs": 0, "maps": ()}
    if not line:
        assert mediate.score(model(), str(path), **options).results.items
        return
    with pytest.raises(InputError) as caught:
        mediate.score(model(), str(path), **options)
    said = str(caught.value)
    assert said.startswith(f"{path}{line}")
    assert "\n" not in said
    assert len(said) < 1000 + len(str(path))


@pytest.mark.parametrize("name", sorted(each.name for each in CORPUS.iterdir()))
def test_each_file_of_the_corpus_has_its_line(name: str) -> None:
    check(CORPUS / name, LINES[name])


@pytest.mark.parametrize("name", MADE)
def test_each_file_that_is_made_has_its_line(name: str, tmp_path: Path) -> None:
    change, line = MADE[name]
    worlds: dict[str, Any] = {"id": "a1", "group": "g1", **WORLDS}
    path = tmp_path / "pairs.jsonl"
    if isinstance(change, bytes):
        path.write_bytes(change % json.dumps(worlds).encode())
    else:
        for key, value in change.items():
            worlds[key] = worlds[key] | value if key in WORLDS else value
        path.write_text(json.dumps(worlds) + "\n", encoding="utf-8")
    check(path, line)


def test_a_chain_in_one_world_alone_that_cannot_be_written_names_its_place(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    base = {key: value for key, value in WORLDS["base"].items() if key != "cot"}
    path.write_text(json.dumps({"id": "a1", "group": "g1", **WORLDS, "base": base}) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"pairs.jsonl:1: item 'a1': its prompt takes .* at most \d+, or leave it out"):
        mediate.score(model(), str(path), max_new_tokens=127, store=False, progress=False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without pipes in folders")
def test_pipes_and_devices_are_not_read(tmp_path: Path) -> None:
    from mediate.models.prompts import parse_template
    from mediate.tuning.examples import scan_examples

    pipe, link = tmp_path / "pipe.jsonl", tmp_path / "zero.jsonl"
    os.mkfifo(pipe)
    link.symlink_to("/dev/zero")
    for path in (pipe, link):
        for read in (mediate.read_pairs, scan_examples, lambda each: parse_template(str(each))):
            with pytest.raises(InputError, match="no regular file, but a pipe, socket or device"):
                read(path)


def test_a_template_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    from mediate.models.prompts import parse_template

    path = tmp_path / "t.jinja"
    with path.open("wb") as file:
        file.truncate(2**31)
    with pytest.raises(InputError, match="2147483648 bytes, and at most 1048576 are read"):
        parse_template(str(path))
