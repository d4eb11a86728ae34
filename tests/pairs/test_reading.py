"""Files as people have them: each kind, written by hand, says the same items, and each fault has its line."""

import json
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import mediate as md
from mediate.errors import InputError, ItemError
from mediate.pairs import Item, ItemFile, PairFile, read_items, recognise, scan_file, scan_items
from mediate.pairs.item import check_items
from mediate.pairs.item import said as content
from mediate.pairs.reading import taken_for
from mediate.pairs.row_values import answer, letters, options, text
from mediate.pairs.schema import Schema

FORMATS = Path(__file__).with_name("formats")
TOM = ("Tom has 3 apples and buys 4. How many does he have?", "7", "Tom has 3 + 4 = 7 apples.")
ANN = ("Ann has 9 pens and gives 4 away. How many are left?", "5", "Ann has 9 - 4 = 5 pens left.")
COLUMNS = {"question": "problem", "cot": "chain", "answer": "final"}
TAKEN_FOR = {
    "array.json": "2 items",
    "batch.jsonl": "2 completions (reasoning in reasoning_content or reasoning)",
    "chat.jsonl": "2 chat messages (reasoning in <think> tags)",
    "chat_apart.jsonl": "2 chat messages (reasoning in reasoning_content or reasoning)",
    "chat_cue.jsonl": "2 chat messages",
    "columns.jsonl": "2 items",
    "completions.jsonl": "2 completions",
    "gsm8k.jsonl": "2 GSM8K problems",
    "inspect.json": "2 samples of Inspect (reasoning in parts of the message)",
    "items.csv": "2 items",
    "items.jsonl": "2 items",
    "math.jsonl": "2 MATH problems",
    "samples_gsm8k.jsonl": "2 samples of lm-eval (filter strict-match of 2)",
}


def put(folder: Path, *rows: Any, name: str = "log.jsonl") -> Path:
    """A file of lines; bytes go in as they are."""
    path = folder / name
    path.write_bytes(b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows))
    return path


def said(items: tuple[Item, ...]) -> list[tuple[str, str, str | None]]:
    return [(each.question, each.answer, each.cot) for each in items]


def test_an_item_has_its_condition(tmp_path: Path) -> None:
    rows = [{"question": TOM[0], "answer": TOM[1], "cot": TOM[2], "condition": "a"}, {"question": ANN[0]}]
    found = read_items(put(tmp_path, *rows))
    assert [each.condition for each in found] == ["a", ""]
    assert content(found[0])["condition"] == "a"
    assert "condition" not in content(found[1])


@pytest.mark.parametrize("name", sorted(each.name for each in FORMATS.iterdir()))
def test_a_file_in_each_format_says_the_same_items(name: str) -> None:
    found = scan_items(FORMATS / name, columns=COLUMNS if name == "columns.jsonl" else None)
    assert not found.errors
    assert found.taken_for == f"{name}: {TAKEN_FOR[name]}"
    if name == "math.jsonl":  # there the box is part of the chain
        assert said(found.items) == [
            (*TOM[:2], r"Tom has $3 + 4 = \boxed{7}$ apples."),
            (*ANN[:2], r"Ann has $\frac{9}{1} - 4 = \boxed{5}$ pens left."),
        ]
    else:
        assert said(found.items) == [TOM, ANN]
    assert [(each.id, each.group) for each in found.items] == [("1", "1"), ("2", "2")]
    assert [each.place.rsplit(":", 1)[0] for each in found.items] == [str(FORMATS / name)] * 2
    assert not check_items(found.items)


def test_tables_archives_and_saved_data_sets_say_the_same_items(tmp_path: Path) -> None:
    rows = [dict(zip(("question", "answer", "cot"), each, strict=True)) for each in (TOM, ANN)]
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, tmp_path / "items.parquet")
    with zipfile.ZipFile(tmp_path / "log.eval", "w") as archive:
        archive.writestr("header.json", "{}")
        for sample in json.loads((FORMATS / "inspect.json").read_text())["samples"]:
            archive.writestr(f"samples/{sample['id']}_epoch_1.json", json.dumps(sample))
        archive.writestr("summaries.json", "[]")
    one, several = tmp_path / "saved", tmp_path / "splits"
    for folder in (one, several / "train", several / "test"):
        save(table, folder)
    (several / "dataset_dict.json").write_text('{"splits": ["train"]}')
    for path, places in (
        (tmp_path / "items.parquet", ["row 1", "row 2"]),
        (tmp_path / "log.eval", ["samples/1_epoch_1.json", "samples/2_epoch_1.json"]),
        (one, ["row 1", "row 2"]),
        (several, ["row 1", "row 2"]),
    ):
        items = read_items(path)
        assert said(items) == [TOM, ANN]
        assert [each.place for each in items] == [f"{path}:{place}" for place in places]


def save(table: pa.Table, folder: Path) -> None:
    """A data set as `save_to_disk` writes it: a stream of record batches a file."""
    folder.mkdir(parents=True)
    names = ["data-00000-of-00002.arrow", "data-00001-of-00002.arrow"]
    for name, part in zip(names, (table.slice(0, 1), table.slice(1)), strict=True):
        with pa.OSFile(str(folder / name), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(part)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (folder / "dataset_info.json").write_text("{}")


def test_the_package_that_saves_data_sets_is_read_alike(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    rows = [dict(zip(("question", "answer", "cot"), each, strict=True)) for each in (TOM, ANN)]
    datasets.Dataset.from_list(rows).save_to_disk(tmp_path / "saved")
    assert said(read_items(tmp_path / "saved")) == [TOM, ANN]


def test_an_item_has_all_that_its_row_says(tmp_path: Path) -> None:
    row = {"id": 7, "group": "g", "question": "Which?", "answer": 4.0, "cot": "c", "options": ["3", 4], "values": [4]}
    path = put(tmp_path, row | {"system": "Be brief.", "meta": {"x": 1}})
    assert read_items(path) == (
        Item("Which?", "4", "c", (4,), "7", "g", ("3", "4"), f"{path}:1", system="Be brief."),
    )  # fmt: skip
    (own,) = read_items(put(tmp_path, {"question": "Which?"}))
    assert (own.answer, own.cot, own.options) == ("", None, ())


def test_a_cell_of_a_table_holds_a_list_in_json(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text('question,answer,options\nWhich?,3,"[""3"", ""4""]"\n')
    assert read_items(path)[0].options == ("3", "4")


def test_rows_of_tables_are_named_by_their_number_and_lines_by_theirs(tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame({"question": ["Which\none?", "Which?", "And\nwhich?"], "answer": ["3", "4", "5"]})
    frame.to_csv(tmp_path / "items.csv", index=False)
    frame.to_csv(tmp_path / "items.tsv", index=False, sep="\t")
    frame.to_parquet(tmp_path / "items.parquet")
    frame.to_json(tmp_path / "items.json", orient="records")
    for ending in ("csv", "tsv", "parquet", "json"):
        path = tmp_path / f"items.{ending}"
        assert [each.id for each in read_items(path)] == ["1", "2", "3"] == [str(each + 1) for each in frame.index]
    assert [each.place.rpartition(":")[2] for each in read_items(tmp_path / "items.csv")] == [
        "2, row 1", "4, row 2", "5, row 3",
    ]  # fmt: skip
    path = tmp_path / "items.csv"
    path.write_text('question,answer\n"Which\none?",3\n" ",4\n')
    with pytest.raises(ItemError, match=r"items\.csv:4, row 2: item '2': 'question' is missing"):
        read_items(path)
    lines = tmp_path / "items.jsonl"
    lines.write_text('{"question": "Which?"}\n\n{"question": "And?"}\n')
    assert [each.id for each in read_items(lines)] == ["1", "3"]


@pytest.mark.parametrize("cells", [("", "0.5"), ("0.5", "0.5"), ("", "")])
@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
def test_a_column_that_is_no_field_is_said_once_whatever_its_cells_hold(
    tmp_path: Path, ending: str, cells: tuple[str, str]
) -> None:
    import pandas as pd

    path = tmp_path / f"items.{ending}"
    frame = pd.DataFrame(
        {"question": ["Which?", "And?"], "answer": ["3", "4"], "score": [each or None for each in cells]}
    )
    if ending == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
    with pytest.raises(InputError, match=r"column 'score' is no field; .*--columns question=question") as caught:
        scan_items(path)
    assert not isinstance(caught.value, ItemError)
    assert [each.answer for each in read_items(path, columns={"question": "question"})] == ["3", "4"]


def test_a_table_with_the_index_of_pandas_is_refused_with_how_to_write_it(tmp_path: Path) -> None:
    import pandas as pd

    path = tmp_path / "items.csv"
    pd.DataFrame({"question": ["Which?"], "answer": ["3"]}).to_csv(path)
    with pytest.raises(
        InputError, match=r"items\.csv:1: the first column has no name; .*to_csv\(\.\.\., index=False\)"
    ):
        read_items(path)


def test_columns_inside_others_are_named_with_a_point(tmp_path: Path) -> None:
    path = put(tmp_path, {"doc": {"q": "Which?"}, "a": 7, "other": 1})
    assert said(read_items(path, columns={"question": "doc.q", "answer": "a"})) == [("Which?", "7", None)]
    solution = read_items(put(tmp_path, {"q": "Q?", "a": "So 3. #### 3"}), columns={"question": "q", "answer": "a"})
    assert said(solution) == [("Q?", "3", "So 3.")]
    with pytest.raises(ItemError, match="'question' is missing"):
        read_items(put(tmp_path, {"a": "3"}), columns={"answer": "a"})
    assert read_items(put(tmp_path, OWN | {"cot": "c", "answer": "#### 3"}))[0].cot == "c"
    named = read_items(put(tmp_path, {"prompt": "Q?", "answer": "So 3. #### 3"}), format="gsm8k",
                       columns={"question": "prompt"})  # fmt: skip
    assert said(named) == [("Q?", "3", "So 3.")]


def test_a_response_in_a_column_is_cut(tmp_path: Path) -> None:
    path = put(tmp_path, {"q": "Q?", "out": "<think>3 + 4</think>Result: 7!"})
    (item,) = read_items(path, columns={"question": "q", "response": "out"}, answer_pattern=r"Result: (\d+)")
    assert (item.cot, item.closed, item.bridge, item.stated) == ("3 + 4", "</think>", "Result: ", "7")


def chat(reply: Any = "So 3.\nThe answer is 3.", **change: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "Which?"}]
    messages += [reply if isinstance(reply, dict) else {"role": "assistant", "content": reply}]
    return {"messages": messages} | change


def test_system_prompts_are_kept_and_tags_stay_as_they_stood(tmp_path: Path) -> None:
    row = chat("<think>\nSo 3.\n</think>\n\nIt is **3**.\n\nAnswer: 3")
    row["messages"].insert(0, {"role": "developer", "content": "Be brief."})
    (item,) = read_items(put(tmp_path, row))
    assert item.system == "Be brief."
    assert (item.opened, item.cot, item.closed) == ("<think>\n", "So 3.", "\n</think>\n\n")
    assert (item.bridge, item.stated, item.answer) == ("It is **3**.\n\nAnswer: ", "3", "")
    found = scan_items(put(tmp_path, row))
    assert found.counts() == {"items": 1, "unfinished": 0, "bridge_states_answer": 1}
    assert found.told == f"{found.taken_for}; 1 whose text before the answer states it"


def test_a_chain_that_a_limit_cut_off_is_unfinished_and_no_error(tmp_path: Path) -> None:
    path = put(
        tmp_path,
        chat("<think>\nSo 3, and", answer="3"),
        chat("So 3, and", finish_reason="length"),
        chat({"role": "assistant", "content": None, "reasoning_content": "So 3"}, finish_reason="length"),
    )
    found = scan_items(path)
    assert not found.errors
    assert [(each.finished, each.cot, each.stated) for each in found.items] == [
        (False, "So 3, and", ""), (False, "So 3, and", ""), (False, "So 3", ""),
    ]  # fmt: skip
    assert found.counts()["unfinished"] == 3
    found = scan_items(put(tmp_path, chat("<think>\nSo 3, and"), chat(), chat("So it is."), chat("The answer is 3.")))
    assert found.told == (
        "log.jsonl: 4 chat messages (reasoning in <think> tags); 1 unfinished (cut off by a length limit); "
        "2 that cannot be measured (1 no_stated_answer, 1 no_chain)"
    )


@pytest.mark.parametrize(
    ("name", "chatting"),
    [
        ("chat.jsonl", True), ("chat_cue.jsonl", True), ("batch.jsonl", True), ("completions.jsonl", True),
        ("inspect.json", True), ("samples_gsm8k.jsonl", False), ("gsm8k.jsonl", False), ("items.jsonl", False),
    ],
)  # fmt: skip
def test_what_was_said_in_a_chat_is_known_and_does_not_count_as_content(name: str, chatting: bool) -> None:
    item = read_items(FORMATS / name)[0]
    assert item.chat is chatting
    assert content(item) == content(replace(item, chat=not chatting))


def test_several_responses_to_one_question_are_a_group(tmp_path: Path) -> None:
    choices = [{"text": "So 3. The answer is 3."}, {"text": "No."}, {"text": "So 4. The answer is 4."}]
    found = scan_items(put(tmp_path, {"id": "x", "prompt": "Which?", "choices": choices}))
    assert [(each.id, each.group, each.stated) for each in found.items] == [("x/1", "x", "3"), ("x/3", "x", "4")]
    assert [(each.item, each.code) for each in found.errors] == [("x/2", "no_stated_answer")]
    assert not any(each.chat for each in found.items)
    sample = json.loads((FORMATS / "inspect.json").read_text())["samples"][0]
    path = tmp_path / "log.json"
    path.write_text(json.dumps({"eval": {}, "samples": [sample, sample | {"epoch": 2}]}))
    assert [(each.id, each.group) for each in read_items(path)] == [("1", "1"), ("1/2", "1")]


def test_options_of_a_log_are_letters_where_the_target_is_one(tmp_path: Path) -> None:
    sample = json.loads((FORMATS / "inspect.json").read_text())["samples"][1]
    sample |= {"choices": ["three", "five"], "target": "B", "attachments": {"abc": "Ann counts.\n\nANSWER: B"}}
    sample["output"]["choices"][0]["message"]["content"] = "attachment://abc"
    path = tmp_path / "log.json"
    path.write_text(json.dumps({"eval": {}, "samples": [sample]}))
    (item,) = read_items(path)
    assert (item.options, item.answer, item.cot, item.stated) == (("A", "B"), "B", "Ann counts.", "B")


def test_samples_of_a_chat_api_are_read(tmp_path: Path) -> None:
    sample = json.loads((FORMATS / "samples_gsm8k.jsonl").read_text().splitlines()[0])
    turns = [("system", "S"), ("user", "Bob?"), ("assistant", "2"), ("user", "Which number?")]
    prompt = json.dumps([{"role": role, "content": text} for role, text in turns])
    sample |= {"doc": {"other": 1}, "arguments": {"gen_args_0": {"arg_0": [prompt], "arg_1": {}}}}
    (item,) = read_items(put(tmp_path, sample))
    assert (item.system, item.question, item.answer) == ("S", "Which number?", "7")


def test_pairs_are_told_from_items(tmp_path: Path) -> None:
    worlds = {"base": {"question": "q", "answer": "1"}, "source": {"question": "r", "answer": "2"}}
    path = put(tmp_path, worlds, worlds | {"group": "g"})
    found = scan_file(path)
    assert isinstance(found, PairFile)
    assert [(each.id, each.group) for each in found.pairs] == [("1", "1"), ("2", "g")]
    assert taken_for(path) == "log.jsonl: 2 pairs"
    assert taken_for(put(tmp_path, worlds)) == "log.jsonl: 1 pair"
    path = put(tmp_path, worlds, worlds | {"group": "g"})
    with pytest.raises(InputError, match="holds pairs, not items by themselves; read it with read_pairs"):
        read_items(path)
    table = tmp_path / "pairs.csv"
    table.write_text("base_question,base_answer,source_question,source_answer\nq,1,r,2\n")
    found = scan_file(table)
    assert isinstance(found, PairFile)
    assert [(each.id, each.base.answer, each.source.answer) for each in found.pairs] == [("1", "1", "2")]


OWN = {"question": "Which?", "answer": "3"}
SAMPLE = json.loads((FORMATS / "samples_gsm8k.jsonl").read_text().splitlines()[0])
INSPECT = json.loads((FORMATS / "inspect.json").read_text())["samples"][0]
BATCH = json.loads((FORMATS / "batch.jsonl").read_text().splitlines()[0])
GSM8K = {"question": "Which?", "answer": "So 3.\n#### 3"}
MATH = {"problem": "Which?", "solution": r"So \boxed{3}."}
LOOKED = r"looked for \boxed{...}, #### ..., 'answer is ...' and 'Answer: ...'"
BAD: list[tuple[dict[str, Any], Any, str, str]] = [
    (OWN, b'{"question": "x",', "malformed_json", "one JSON object a line"),
    (OWN, b'{"question": "\xff"}', "bad_encoding", "not UTF-8"),
    (OWN, b'{"answer": ' + b"1" * 5000 + b"}", "malformed_json", "digits"),
    (OWN, b"[1]", "malformed_json", "holds an array"),
    (OWN, {"answer": "3"}, "missing_field", "'question' is missing"),
    (OWN, OWN | {"question": 5}, "wrong_type", "'question' is an integer"),
    (OWN, OWN | {"question": " "}, "empty_question", "the question is empty; write one"),
    (OWN, OWN | {"cot": " "}, "empty_cot", "leave 'cot' out"),
    (OWN, OWN | {"answer": float("nan")}, "wrong_type", "not a number"),
    (OWN, OWN | {"answer": True}, "wrong_type", "'answer' is true or false"),
    (OWN, OWN | {"answer": ["3", "4"]}, "wrong_type", "'answer' is an array"),
    (OWN, OWN | {"options": ["4", "5"]}, "answer_no_option", "the answer '3' is none of the options '4', '5'"),
    (OWN, OWN | {"options": ["3", "3.0"]}, "equal_options", "options '3' and '3.0' are one value"),
    (OWN, OWN | {"options": ["3"]}, "one_option", "the only option"),
    (OWN, OWN | {"options": ["3", " "]}, "empty_option", "option 2 is empty"),
    (OWN, OWN | {"options": "3"}, "wrong_type", 'such as ["3", "4"]'),
    (OWN, OWN | {"values": ["3"]}, "wrong_type", "'values' is not a list of integers"),
    (OWN, OWN | {"Answer": "3"}, "unknown_field", "unknown key 'Answer'"),
    (OWN, OWN | {"id": " "}, "empty_id", "'id' is blank"),
    (OWN, OWN | {"id": "x" * 600}, "long_id", "at most 500"),
    (OWN, OWN | {"id": "first"}, "duplicate_id", "already at"),
    (OWN, OWN | {"cot": "c", "response": "r"}, "two_chains", "give one of them"),
    (GSM8K, OWN, "no_answer_mark", "no #### before the answer"),
    (GSM8K, GSM8K | {"answer": "So 3.\n####"}, "empty_answer", "nothing stands behind ####"),
    (MATH, MATH | {"solution": r"So \boxed{3."}, "no_answer_mark", r"no \boxed{...} in the solution"),
    (MATH, MATH | {"solution": None}, "missing_field", "'solution' is missing"),
    (chat(), {"messages": []}, "wrong_type", "'messages' is an empty array"),
    (chat(), {"messages": ["hello"]}, "wrong_type", "a message is text"),
    (chat(), {"messages": [{"role": "assistant", "content": "3"}]}, "no_question", "no message of the role 'user'"),
    (chat(), {"messages": chat()["messages"] * 2}, "many_turns", "holds 2 questions and 2 replies"),
    (chat(), {"messages": chat()["messages"][::-1]}, "many_turns", "stands before the question"),
    (chat(), {"messages": [{"role": "tool", "content": "3"}]}, "tool_call", "a message of the role 'tool'"),
    (chat(), chat({"role": "assistant", "tool_calls": [{}]}), "tool_call", "a call of a tool"),
    (chat(), chat([{"type": "image_url", "image_url": "x"}]), "not_text", "a part of type 'image_url'"),
    (chat(), chat([{"type": "reasoning", "reasoning": "", "redacted": True}]), "redacted", "redacted"),
    (chat(), chat(5), "wrong_type", "'content' is an integer"),
    (chat(), chat("So it is three."), "no_stated_answer", f"no answer is found in the response ({LOOKED})"),
    (chat(), chat("<think>So 3</think>\n\nDone."), "no_stated_answer", "found in the text behind the chain (looked"),
    (chat(), chat("<think>So 3</think>"), "no_stated_answer", "which is empty"),
    (chat(), chat("<think>So 3", finish_reason="stop"), "no_closing_tag", "no </think> was found"),
    (chat(), chat("The answer is 3."), "no_chain", "without a chain"),
    (BATCH, {"custom_id": "b", "response": None, "error": {"message": "full"}}, "failed_request", "full"),
    (BATCH, {"custom_id": "b", "response": {"body": {}}}, "wrong_type", "'choices' is no list"),
    (BATCH, {"custom_id": "b", "response": BATCH["response"]}, "no_question", "by its custom_id"),
    (SAMPLE, SAMPLE | {"doc_id": 9, "resps": [[["-1.5", "True"]], [["-2", "False"]]]}, "no_response", "likelihoods"),
    (SAMPLE, SAMPLE | {"doc_id": 9, "resps": [[5]]}, "wrong_type", "'resps' is no list of texts"),
    (SAMPLE, SAMPLE | {"doc_id": 9, "doc": 5, "arguments": {}}, "no_question", "neither 'doc' nor 'arguments'"),
    (INSPECT, INSPECT | {"id": 9, "error": {"message": "out of memory"}}, "failed_request", "out of memory"),
    (INSPECT, INSPECT | {"id": 9, "output": {}, "messages": []}, "no_response", "run the sample again"),
]  # fmt: skip


@pytest.mark.parametrize(("good", "row", "code", "words"), BAD)
def test_a_bad_row_is_named_and_the_rest_is_read(
    tmp_path: Path, good: dict[str, Any], row: Any, code: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, last = (good | {key: name for key in ("id", "custom_id") if key == "id" or key in good} for name in "ab")
    if "doc_id" in good:
        first, last = good | {"doc_id": "first"}, good | {"doc_id": "last"}
    elif good is OWN:
        first = good | {"id": "first"}
    path = put(tmp_path, first, row, last)
    found = scan_items(path)
    assert [each.place for each in found.items] == [f"{path}:1", f"{path}:3"]
    (error,) = found.errors
    assert (error.place, error.code) == (f"{path}:2", code)
    assert words in error.reason
    assert ";" in error.reason  # what is wrong; what to do
    assert "\n" not in str(error)
    with pytest.raises(ItemError) as raised:
        md.read_items(path)
    assert str(raised.value) == str(error)
    assert md.read_items(path, on_bad_item="skip") == found.items
    assert f"; 1 left out: 1 {code}; the first: {path}:2: " in capsys.readouterr().err


def test_nothing_left_is_an_error_also_where_bad_items_are_skipped(tmp_path: Path) -> None:
    with pytest.raises(ItemError, match="the question is empty"):
        read_items(put(tmp_path, OWN | {"question": ""}), on_bad_item="skip")


def whole(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.jsonl", None, "no such file; name a file of items (.jsonl, .json, .csv, .tsv, .eval, .parquet)"),
        ("log.txt", b"x", "not a file of items by its suffix"),
        ("log.jsonl.gz", b"\x1f\x8b\x08", ".parquet; unpack it first"),
        ("log.jsonl", b"\n\n", "holds no items"),
        ("log.json", b"[]", "holds no items"),
        ("log.json", b'[{"question": "q"', "not JSON"),
        ("log.json", b'{\n"eval": {},\n"samples": null}', "a log without samples"),
        ("log.jsonl", b"\x1f\x8b\x08", "packed with gzip"),
        ("log.jsonl", b'{"a": 1, "b": 2}', "of no kind that is known, by its keys (a, b); name the columns"),
        ("log.jsonl", b'{"problem": "p", "solution": "s", "messages": []}', "can be read as math and as chat; say"),
        ("log.eval", b"PK\x03\x04 and so on", "not readable as a zip archive"),
        ("log.csv", b"question,\nx,y", "a column has no name"),
        ("log.csv", b"question,question\nx,y", "two columns have one name"),
        ("log.csv", b'question,"an"swer\nx,y', "not CSV"),
        ("log.csv", "question\nx".encode("utf-16"), "not UTF-8"),
        ("log.parquet", b"PAR1", "not readable as Parquet"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_one_line(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        read_items(path)
    assert str(raised.value).startswith(f"{path}:")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_folders_that_are_no_saved_data_set_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a directory, and no data set that was saved"):
        read_items(tmp_path)
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    with pytest.raises(InputError, match=r"2 splits; name one of them: .*/train, .*/test"):
        read_items(tmp_path)
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["../.."]}')
    with pytest.raises(InputError, match="a directory, and no data set"):
        read_items(tmp_path)
    (tmp_path / "dataset_dict.json").unlink()
    (tmp_path / "state.json").write_text('{"_data_files": [{"filename": "data.arrow"}]}')
    (tmp_path / "data.arrow").write_bytes(b"\xff\xff\xff\xff")
    with pytest.raises(InputError, match=r"data\.arrow: not readable as Arrow"):
        read_items(tmp_path)
    (tmp_path / "state.json").write_text("{}")
    with pytest.raises(InputError, match=r"state\.json: has no list '_data_files'"):
        read_items(tmp_path)


def test_a_damaged_archive_loses_its_damaged_samples_only(tmp_path: Path) -> None:
    path = tmp_path / "log.eval"
    with zipfile.ZipFile(path, "w") as archive:
        for number in (1, 2):
            archive.writestr(f"samples/{number}_epoch_1.json", json.dumps(INSPECT | {"id": number}))
    data = path.read_bytes()
    path.write_bytes(data.replace(b"apples", b"plums!", 1))
    found = scan_items(path)
    assert [each.id for each in found.items] == ["2"]
    assert [(each.place, each.code) for each in found.errors] == [
        (f"{path}:samples/1_epoch_1.json", "malformed_archive")
    ]
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="not readable as a zip archive"):
        scan_items(path)


def zstandard(name: str, content: bytes) -> bytes:
    """An archive of one member, packed as Python cannot before 3.14; the format is PKWARE's (APPNOTE 6.3.8)."""
    packed = pa.Codec("zstd").compress(content, asbytes=True)
    sizes = struct.pack("<LLLHH", zlib.crc32(content), len(packed), len(content), len(name), 0)
    local = b"PK\x03\x04" + struct.pack("<HHHHH", 63, 0, 93, 0, 0x21) + sizes + name.encode() + packed
    central = (
        b"PK\x01\x02" + struct.pack("<HHHHHH", 63, 63, 0, 93, 0, 0x21) + sizes + struct.pack("<HHHLL", 0, 0, 0, 0, 0)
    )
    central += name.encode()
    end = struct.pack("<HHHHLLH", 0, 0, 1, 1, len(central), len(local), 0)
    return local + central + b"PK\x05\x06" + end


def test_archives_of_zstandard_are_read(tmp_path: Path) -> None:
    content = zstandard("samples/1_epoch_1.json", json.dumps(INSPECT).encode())
    path = whole(tmp_path / "log.eval", content)
    assert said(read_items(path)) == [TOM]
    found = scan_items(whole(path, content.replace(b"\x28\xb5\x2f\xfd", b"\x28\xb5\x2f\xfe", 1)))
    assert [(each.place, each.code) for each in found.errors] == [
        (f"{path}:samples/1_epoch_1.json", "malformed_archive")
    ]


def test_which_of_two_kinds_is_said_by_name(tmp_path: Path) -> None:
    path = put(tmp_path, MATH | chat())
    assert read_items(path, format="math")[0].cot == MATH["solution"]
    assert read_items(path, format="chat")[0].stated == "3"
    with pytest.raises(InputError, match="format: 'csv' is none; give one of pairs, items, gsm8k, math, chat"):
        read_items(path, format="csv")


def test_a_row_of_another_kind_does_not_make_a_file_of_two(tmp_path: Path) -> None:
    found = scan_items(put(tmp_path, GSM8K, OWN, GSM8K, OWN, GSM8K))
    assert (len(found.items), len(found.errors)) == (3, 2)
    with pytest.raises(InputError, match="can be read as items and as gsm8k"):
        scan_items(put(tmp_path, GSM8K, OWN))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"columns": {"reply": "a"}},
            "columns: no field 'reply'; give a column for some of id, group, condition, question",
        ),
        ({"columns": {"question": "b"}}, "no column 'b' in any row; there are a"),
        ({"answer_pattern": "("}, "answer_pattern: '(' is no regular expression"),
        ({"answer_pattern": "(a)(b)"}, "answer_pattern: '(a)(b)' has 2 groups; mark the answer by one"),
    ],
)
def test_wrong_choices_are_one_line(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as raised:
        read_items(put(tmp_path, {"a": 1}), **options)
    assert said in str(raised.value)


def test_items_made_in_memory_are_checked_alike() -> None:
    items = [Item("q", id="a"), Item("q", id="a"), Item("", id="b"), Item("q"), Item("q", " 1", id="c")]
    assert [(each.item, each.code) for each in check_items(items)] == [
        ("a", "duplicate_id"), ("b", "empty_question"), ("", "empty_id"), ("c", "spaced_answer"),
    ]  # fmt: skip


def test_a_file_is_read_in_its_order(tmp_path: Path) -> None:
    found = scan_items(put(tmp_path, *[OWN | {"id": str(number)} for number in range(50, 0, -1)]))
    assert isinstance(found, ItemFile)
    assert [each.id for each in found.items] == [str(number) for number in range(50, 0, -1)]


def _aqua(row: Mapping[str, Any], pattern: object) -> Iterator[Item]:
    del pattern
    listed = options(row, "options")
    question = "\n".join([text(row, "question"), *listed])
    yield Item(question, answer(row, "correct"), text(row, "rationale"), options=letters(len(listed)))


def test_a_schema_is_a_record_in_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, {"question": "1 + 1?", "options": ["A)2", "B)3"], "rationale": "It is 2.", "correct": "A"})
    with pytest.raises(ItemError, match="unknown key 'rationale'"):
        read_items(path)
    aqua = Schema("aqua", "AQuA problems", lambda row: "rationale" in row, _aqua)
    monkeypatch.setattr(recognise, "SCHEMAS", (*recognise.SCHEMAS, aqua))
    assert taken_for(path) == taken_for(path, format="aqua") == "log.jsonl: 1 AQuA problem"
    (item,) = read_items(path)
    assert (item.question, item.answer, item.cot) == ("1 + 1?\nA)2\nB)3", "A", "It is 2.")
    assert (item.options, item.id, item.group, item.place) == (("A", "B"), "1", "1", f"{path}:1")


JUNK = [
    None, True, 0, 1.5, float("nan"), "", "####", "\\boxed{", "<think>", [], {}, [[]], [{}], ["a"], [{"type": "text"}],
    10**40, "a" * 600, [{"role": []}], {"choices": [{}]}, {"body": 5}, "[1",
]  # fmt: skip


def damaged(value: Any, rng: random.Random) -> Any:
    """A row in which something, however deep, is something else or is not there."""
    if isinstance(value, dict | list) and value and rng.random() < 0.8:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = rng.choice(keys)
        kept = value.items() if isinstance(value, dict) else enumerate(value)
        changed = {each: damaged(other, rng) if each == key else other for each, other in kept}
        if rng.random() < 0.2:
            del changed[key]
        return changed if isinstance(value, dict) else list(changed.values())
    return rng.choice(JUNK)


@pytest.mark.parametrize("name", sorted(each.name for each in FORMATS.glob("*.jsonl")))
def test_rows_that_are_damaged_anywhere_are_one_line_each(tmp_path: Path, name: str) -> None:
    rows = [json.loads(line) for line in (FORMATS / name).read_text().splitlines()]
    kind = scan_file(FORMATS / name, columns=COLUMNS if name == "columns.jsonl" else None)
    assert isinstance(kind, ItemFile)
    for seed in range(40):
        rng = random.Random(seed)
        path = put(tmp_path, *[damaged(row, rng) for row in rows], rows[0])
        for choices in (
            {},
            {"format": rng.choice(["items", "gsm8k", "math", "chat", "completions", "lm-eval", "inspect"])},
        ):
            try:
                errors: tuple[InputError, ...] = scan_file(path, **choices).errors
            except InputError as error:
                errors = (error,)
            assert not [each for each in errors if "\n" in str(each) or str(path) not in str(each)]
