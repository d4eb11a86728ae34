"""Bad files and command lines, through the command itself: each ends in its one line, and nothing is written."""
# ruff: noqa: E501  (a line of the table is a command and what it says)

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.whole import bad_inputs
from tests.test_cli import Done, mediate

# What the line says after the file's name, of `mediate score FILE`.
FILES = {
    "empty.jsonl": ": holds no items; write one JSON object a line, or one row an item",
    "blank.jsonl": ": holds no items; write one JSON object a line, or one row an item",
    "torn.jsonl": ":2: not JSON (Unterminated string starting at, character 50); write one JSON",
    "not-json.jsonl": ":2: not JSON (Expecting value, character 1); write one JSON object a line",
    "list.jsonl": ": begins with a JSON array; give one JSON object a line; convert with jq -c '.[]'",
    "number.jsonl": ":1: holds an integer; write one JSON object a line",
    "comment.jsonl": ":1: not JSON (Expecting value, character 1); write one JSON object a line",
    "bom-second.jsonl": ":2: not JSON (Unexpected UTF-8 BOM (decode using utf-8-sig), character 1);",
    "utf16.jsonl": ":1: not UTF-8 (byte 1 of the line); save the file as UTF-8",
    "latin1.jsonl": ":1: not UTF-8 (byte 27 of the line); save the file as UTF-8",
    "nul.jsonl": ":1: not JSON (Expecting value, character 1); write one JSON object a line",
    "surrogate.jsonl": ":1: a text holds half of a surrogate pair (such as \\ud83d alone), which no",
    "gzip.jsonl": ": packed with gzip; unpack it first",
    "nan.jsonl": ":1: NaN is not JSON; write a number or null",
    "infinity.jsonl": ":1: -Infinity is not JSON; write a number or null",
    "huge-number.jsonl": ":1: a number cannot be read (Exceeds the limit (4300 digits) for integer string",
    "nested.jsonl": ":1: nested too deeply; flatten what stands under 'meta'",
    "key-twice.jsonl": ":1: the key 'answer' occurs twice in one object; keep one",
    "id-twice.jsonl": ":2: item 'a1': the id is already at id-twice.jsonl:1; give each pair an id of its own",
    "id-spelt-twice.jsonl": ":2: item '1': the id is already at id-spelt-twice.jsonl:1; give each pair an id",
    "id-blank.jsonl": ":1: 'id' is blank; give a string or an integer",
    "id-list.jsonl": ":1: 'id' is an array; give a string or an integer",
    "id-true.jsonl": ":1: 'id' is true or false; give a string or an integer",
    "id-long.jsonl": ":1: 'id' has 10000 characters; give one of at most 500",
    "group-object.jsonl": ":1: item 'a1': 'group' is an object; give a string or an integer",
    "key-unknown.jsonl": ":1: item 'a1': unknown key 'colour'; allowed are id, group, condition, base,",
    "base-missing.jsonl": ":1: item 'a1': 'base' is missing; give it as an object",
    "source-text.jsonl": ":1: item 'a1': 'source' is text; give it as an object with question, answer,",
    "question-missing.jsonl": ":1: item 'a1': 'base.question' is missing; give a string",
    "question-number.jsonl": ":1: item 'a1': 'base.question' is an integer; give a string",
    "question-empty.jsonl": ":1: item 'a1': the base question is empty; write one",
    "question-long.jsonl": ":1: item 'a1': 373 tokens, and the context of 'reference-0.1m' is 128; shorten it",
    "question-unknown.jsonl": ":1: item 'a1': the tokenizer has no token for '😀' of the base question; mediate",
    "question-u2028.jsonl": ":1: item 'a1': the tokenizer has no token for '\\u2028' of the base question;",
    "question-control.jsonl": ":1: item 'a1': the tokenizer has no token for '<', '|', 'im' and 3 more of the",
    "questions-equal.jsonl": ":1: item 'a1': both worlds ask the same question, and the answers are '3' and",
    "answer-missing.jsonl": ":1: item 'a1': 'base.answer' is missing; give a string or an integer",
    "answer-decimal.jsonl": ":1: item 'a1': 'base.answer' is a decimal number; give a string or an integer",
    "answer-list.jsonl": ":1: item 'a1': 'base.answer' is an array; give a string or an integer",
    "answer-blank.jsonl": ":1: item 'a1': the base answer is empty; write one",
    "answers-equal.jsonl": ":1: item 'a1': both answers are '3'; a pair needs a question change that",
    "answers-same-value.jsonl": ":1: item 'a1': the answers '1,000' and '1000' are one value; a pair needs a",
    "answers-prefix.jsonl": ":1: item 'a1': answer '3' is a prefix of '34'; choose worlds whose answers part ways",
    "cot-empty.jsonl": ":1: item 'a1': the base CoT is empty; leave 'cot' out to let the model write it",
    "cot-blank.jsonl": ":1: item 'a1': the base CoT is empty; leave 'cot' out to let the model write it",
    "cot-list.jsonl": ":1: item 'a1': 'base.cot' is an array; give a string",
    "cot-long.jsonl": ":1: item 'a1': 376 tokens, and the context of 'reference-0.1m' is 128; shorten it",
    "values-text.jsonl": ":1: item 'a1': 'base.values' is not a list of integers; give the result of each",
    "second-bad.jsonl": ":3: item 'a1': the id is already at second-bad.jsonl:1; give each pair an id of its own",
    "keys-unknown.jsonl": ": of no kind that is known, by its keys (prompt, completion); name the columns",
    "array.json": ": not JSON (Expecting ',' delimiter, character 240); write one JSON object a line",
    "no-columns.csv": ": holds no items; write one JSON object a line, or one row an item",
    "one-name-twice.csv": ":1: two columns have one name; rename one",
    "nameless.csv": ":1: a column has no name; name the columns in the first line, such as question,answer",
    "short-row.csv": ":2: holds 1 cell, and the first line names 2 columns; put a text with ',' or a line break",
    "open-quote.csv": ":2: not CSV (unexpected end of data); put a text with quotes into quotes, and",
    "latin1.csv": ":2: not UTF-8; save the file as UTF-8",
    "cut.tsv": ":2: holds 1 cell, and the first line names 2 columns; put a text with '\\t' or a line",
    "text.parquet": ": not readable as Parquet (Parquet magic bytes not found in footer. Either the",
    "zero.parquet": ": not readable as Parquet (Parquet file size is 0 bytes); write the file again",
    "text.eval": ": not readable as a zip archive, which an .eval log is (File is not a zip",
    "pairs.txt": ": not a file of items by its suffix; use one of .jsonl, .json, .csv, .tsv,",
    "pairs": ": not a file of items by its suffix; use one of .jsonl, .json, .csv, .tsv,",
    "pickle.pkl": ": not a file of items by its suffix; use one of .jsonl, .json, .csv, .tsv,",
    "columns.parquet": ": of no kind that is known, by its keys (a, b); name the columns that count,",
    "bytes.parquet": ":row 1: item 'a': 'question' is a value of type bytes; give a string",
    "folder.jsonl": ": a directory, and no data set that was saved (state.json); name a file",
    "pipe.jsonl": ": no regular file, but a pipe, socket or device; write the items to a file first",
    "zero.jsonl": ": no regular file, but a pipe, socket or device; write the items to a file first",
    "dangling.jsonl": ": no such file; name a file of items (.jsonl, .json, .csv, .tsv, .eval,",
    "loop.jsonl": ": no such file; name a file of items (.jsonl, .json, .csv, .tsv, .eval,",
    "gone.jsonl": ": no such file; name a file of items (.jsonl, .json, .csv, .tsv, .eval,",
}
# What the line says of a command; MODEL is a reference reasoner, and ... are the usual choices of a run.
COMMANDS = {
    "score cot-misaligned.jsonl ... --maps read:step,layer": "cot-misaligned.jsonl:1: item 'a1': the base chain has 1 steps and the source",
    "score good.jsonl --model reference-9m --out out": "no model named 'reference-9m'; did you mean 'reference-4m'?",
    "score good.jsonl --model Reference-0.1M --out out": "no model named 'Reference-0.1M'; did you mean 'reference-0.1m'?",
    "score good.jsonl --model ./gone --out out": "./gone: no such file or folder; give a folder, a .gguf file, a hub id, or one",
    "score good.jsonl --model models/bare --out out": "models/bare: holds no config.json; give the folder of a transformers model",
    "score good.jsonl --model models/bin --out out": "models/bin: holds only pickled weights, which can run code when they are read;",
    "score good.jsonl --model models/pt --out out": "models/pt: holds only pickled weights, which can run code when they are read;",
    "score good.jsonl --model models/shards --out out": "models/shards: holds only pickled weights, which can run code when they are",
    "score good.jsonl --model models/no-weights --out out": "models/no-weights: holds no .safetensors weights; save the model there with",
    "score good.jsonl --model models/encoder --out out": "model 'encoder': architecture BertModel is not a causal language model that",
    "score good.jsonl --model models/unknown --out out": "model 'models/unknown': transformers cannot load it (The checkpoint you are",
    "score good.jsonl --model models/code --out out": "model 'models/code': of type 'bird', which its own code would read (auto_map);",
    "score good.jsonl --model models/kernel --out out": "model 'models/kernel': its settings have '_attn_implementation_internal', which",
    "score good.jsonl --model models/giant --out out": "model 'models/giant': num_hidden_layers is 1e+09, and at most 2048 is taken;",
    "score good.jsonl --model models/adapter --out out": "models/adapter/adapter_config.json: names no base model; give it as BASE+models/adapter",
    "score good.jsonl --model models/adapter-lost --out out": "models/adapter-lost: of the base that it names: ./gone: no such file or folder;",
    "score good.jsonl --model models/adapter-bin --out out": "models/adapter-bin: holds no adapter_model.safetensors; pickled adapters are",
    "score good.jsonl --model models/steered --out out": "models/steered/steering.json: does not say how a model is steered (its base is",
    "score good.jsonl --model models/broken.gguf --out out": "models/broken.gguf: transformers cannot read this GGUF file (index 0 is out of",
    "score good.jsonl --model models/weights.bin --out out": "models/weights.bin: pickled weights, which can run code when they are read;",
    "score good.jsonl --model good.jsonl --out out": "good.jsonl: not a model file; give a .gguf file, a folder, or a hub id",
    "score good.jsonl --model '' --out out": ".: holds no config.json; give the folder of a transformers model",
    "score good.jsonl --model reference-0.1m+models/bare --out out": "models/bare: holds no adapter (no adapter_config.json); give the folder that peft saved",
    "score good.jsonl --model reference-0.1m+models/adapter --out out": "models/adapter: the adapter does not fit this base model (Error while",
    "score good.jsonl --model 'a\x1bb' --out out": "'a\\x1bb': holds control characters; give a folder, a .gguf file or a hub id",
    "score good.jsonl --model nobody/ --out out": "nobody/: no such file or folder; give a folder, a .gguf file, a hub id, or one",
    "score good.jsonl ... --template chatt": "--template: template 'chatt': not 'none' or 'chat', and not a readable file (No",
    "score good.jsonl ... --template chat": "the tokenizer has no chat template; use --template none, or --template FILE with one",
    "score good.jsonl ... --template no-hole.txt": "--template: template no-hole.txt: holds neither {question} (a completion) nor a",
    "score good.jsonl ... --template two-holes.txt": "--template: template 'two-holes.txt' holds {question} 2 times; it needs it once",
    "score good.jsonl ... --template endless.jinja": "chat template 'endless.jinja' cannot be rendered (it takes longer than 2",
    "score good.jsonl ... --template escape.jinja": "chat template 'escape.jinja' cannot be rendered (access to attribute",
    "score good.jsonl ... --template modules.jinja": "chat template 'modules.jinja' cannot be rendered (access to attribute",
    "score good.jsonl ... --template broken.jinja": "chat template 'broken.jinja' cannot be rendered (unexpected end of template,",
    "score good.jsonl ... --template refuses.jinja": "chat template 'refuses.jinja' cannot be rendered (no); give another with --template",
    "score good.jsonl ... --template loses.jinja": "chat template 'loses.jinja' shows the question 0 times, not once",
    "score good.jsonl ... --template latin1.jinja": "--template: template 'latin1.jinja': not 'none' or 'chat', and not a readable",
    "score good.jsonl ... --template pipe.jsonl": "--template: template 'pipe.jsonl': not 'none' or 'chat', and not a readable",
    "score good.jsonl ... --template filled": "--template: template 'filled': not 'none' or 'chat', and not a readable file",
    "score good.jsonl ... --maps read": "--maps: no map 'read'; the axes of read are step, position, layer, kv_head,",
    "score good.jsonl ... --maps reads:layer": "--maps: no map 'reads:layer'; did you mean 'read'? Else: mediate maps",
    "score good.jsonl ... --maps read:head": "--maps: no map 'read:head'; did you mean 'read:kv_head'? the axes of",
    "score good.jsonl ... --maps state.q9:layer": "--maps: no map 'state.q9:layer'; did you mean 'state.q'? Else: mediate maps",
    "score good.jsonl ... --outcomes logits": "--outcomes: no outcome 'logits'; did you mean 'logit'? there is logit_diff, logprob_diff,",
    "score good.jsonl ... --outcomes logit": "outcome logit is of one answer; a pair has two",
    "score good.jsonl ... --level 1": "--level: Input should be less than 1, and it is 1.0; give a number above 0 and below 1",
    "score good.jsonl ... --level 0": "--level: Input should be greater than 0, and it is 0.0; give a number above 0",
    "score good.jsonl ... --temperature -1": "--temperature: Input should be greater than or equal to 0, and it is -1.0; give",
    "score good.jsonl ... --temperature nan": "--temperature: Input should be a finite number, and it is nan; give a number from 0",
    "score good.jsonl ... --top-p 0": "--top-p: Input should be greater than 0, and it is 0.0; give a number above 0",
    "score good.jsonl ... --seed -1": "--seed: Input should be greater than or equal to 0, and it is -1; give a number from 0",
    "score good.jsonl ... --max-new-tokens 0": "--max-new-tokens: Input should be greater than or equal to 1, and it is 0; give",
    "score good.jsonl ... --control-pairs -1": "--control-pairs: Input should be greater than or equal to 0, and it is -1; give",
    "score good.jsonl ... --min-te -1": "--min-te: Input should be greater than or equal to 0, and it is -1.0; give a",
    "score good.jsonl ... --device cdua": "device 'cdua': give cpu, cuda, cuda:1 and so on, mps or xpu, or leave it out",
    "score good.jsonl ... --dtype int8": "invalid value for '--dtype': 'int8' is not one of",
    "score good.jsonl ... --others 0": "--others: Input should be greater than or equal to 1, and it is 0; give a number from 1",
    "score good.jsonl ... --against nothing": "invalid value for '--against': 'nothing' is not one of",
    "score good.jsonl ... --against other": "none of 1 item has another of another group and with another answer; give more",
    "score good.jsonl ... --chains gone": "--chains: gone: not a run directory (it has no run.json); make one with",
    "score good.jsonl ... --chains filled": "--chains: filled: not a run directory (it has no run.json); make one with",
    "score good.jsonl ... --columns x": "columns: 'x' is not FIELD=COLUMN,...; write question=problem,answer=final",
    "score good.jsonl ... --format nonesuch": "format: 'nonesuch' is none; give one of pairs, items, gsm8k, math, chat,",
    "score good.jsonl ... --answer-pattern '('": "answer_pattern: '(' is no regular expression (missing ), unterminated",
    "score good.jsonl ... --adapter models/bare": "models/bare: holds no adapter (no adapter_config.json); give the folder that peft saved",
    "score good.jsonl ... --tokenizer models/bare": "models/bare: no tokenizer that transformers can load (Couldn't instantiate the",
    "score good.jsonl ... --keep nonesuch": "--keep: no component 'nonesuch'; there are resid_pre, resid_mid, resid_post,",
    "score good.jsonl ... --replacements nonesuch": "--replacements: no replacement 'nonesuch'; there are deletion, filler,",
    "score good.jsonl ... --answer own": "--answer own is of items by themselves; a pair has its two answers after the",
    "score good.jsonl ... --trust-remote-code": "no such option: --trust-remote-code",
    "score good.jsonl ... --frobnicate": "no such option: --frobnicate; did you mean --format?",
    "score good.jsonl --model MODEL --out good.jsonl": "good.jsonl: is a file; give a directory for the run",
    "score good.jsonl --model MODEL --out good.jsonl/sub": "good.jsonl: is a file, which is above 'good.jsonl/sub'; give a path below a folder",
    "score good.jsonl --model MODEL --out link-out": "link-out: is a link that leads nowhere ('nowhere'); remove it or give another path",
    "score good.jsonl --model MODEL --out filled": "filled: is not empty and holds no run; give a new directory",
    "score good.jsonl --model MODEL --out /proc/nothing": "/proc/nothing: no such file or directory; check the path; a folder above it may",
    "score good.jsonl --model MODEL --out ''": ".: is not empty and holds no run; give a new directory",
    "score good.jsonl --model MODEL --out /dev/null": "/dev/null: is a file; give a directory for the run",
    "compare filled filled --out out": "filled: not a run directory (it has no run.json); make one with 'mediate score",
    "compare good.jsonl gone --out out": "good.jsonl: not a run directory (it has no run.json); make one with 'mediate",
    "compare filled --out out": "filled: not a run directory (it has no run.json); make one with 'mediate score",
    "report filled": "filled: not a run directory (it has no run.json); make one with 'mediate score",
    "report gone": "gone: not a run directory (it has no run.json); make one with 'mediate score",
    "report good.jsonl": "good.jsonl: not a run directory (it has no run.json); make one with 'mediate",
    "cross good.jsonl --model MODEL --out out": "missing option '--tuned'",
    "cross good.jsonl --model MODEL --tuned models/bin --out out": "models/bin: holds only pickled weights, which can run code when they are read;",
    "cross item.jsonl --model MODEL --tuned MODEL --out out": "item.jsonl:1: item 'a1': unknown key 'question'; allowed are id, group,",
    "cross good.jsonl --model MODEL --tuned MODEL --worlds both --out out": "worlds both; give base, source or both",
    "cross good.jsonl --model MODEL --tuned reference-worded-0.1m --out out": "models 'reference-0.1m' and 'reference-worded-0.1m' cannot be crossed: their",
    "tune sft --model MODEL --data gone.jsonl --out out": "gone.jsonl: no such file; name a file of JSON lines with question, chain and",
    "tune sft --model MODEL --data examples-bad.jsonl --out out": "examples-bad.jsonl:1: 'answer' is missing; give question, answer and, but for",
    "tune sft --model MODEL --data empty.jsonl --out out": "empty.jsonl: holds no examples; write one JSON object with question, chain and",
    "tune sft --model MODEL --out out --epochs 0 --task modular": "--epochs: Input should be greater than or equal to 1, and it is 0; give a number from 1",
    "tune sft --model models/bin --out out --task modular": "models/bin: holds only pickled weights, which can run code when they are read;",
    "tune nonesuch --model MODEL --out out": "no such command 'nonesuch'",
    "traces select filled --out out.jsonl": "filled: not a run directory (it has no run.json); make one with 'mediate score",
    "traces select gone --out out.jsonl": "gone: not a run directory (it has no run.json); make one with 'mediate score",
    "steer fit gone.jsonl --model MODEL --layer 1 --out v.safetensors": "gone.jsonl: no such file; name a file of items (.jsonl, .json, .csv, .tsv,",
    "steer fit good.jsonl --model MODEL --layer 99 --out v.safetensors": "layer 99: 'reference-0.1m' has layers 0 to 1; name one of them",
    "steer apply vector.safetensors --model MODEL --alpha 1 --out out": "vector.safetensors: cannot be read (Error while deserializing header: invalid",
    "steer apply odd.safetensors --model MODEL --alpha 1 --out out": "odd.safetensors: cannot be read (it holds no steering vector); give a file that",
    "steer apply gone.safetensors --model MODEL --alpha 1 --out out": "gone.safetensors: no such file; give a file that 'mediate steer fit' wrote",
    "steer apply pickle.pkl --model MODEL --alpha 1 --out out": "pickle.pkl: cannot be read (Error while deserializing header: header too",
    "faithfulness good.jsonl --model MODEL --edits nonesuch --out out": "--edits: no edit 'nonesuch'; there are truncated, mistaken,",
    "faithfulness gone.jsonl --model MODEL --out out": "gone.jsonl: no such file; name a file of items (.jsonl, .json, .csv, .tsv,",
    "pairs --out good.jsonl -n 2": "good.jsonl: is there already, with other content; name another file, or write",
    "pairs --out out.txt -n 2": "out.txt: pairs are written as JSON lines; name the file with the suffix .jsonl",
    "pairs --out out.jsonl -n 0": "invalid value for '--count' / '-n': Input should be greater than or equal to 1",
    "pairs --out out.jsonl --task nonesuch": "invalid value for '--task': 'nonesuch' is not one of",
    "pairs from gone.jsonl --out out.jsonl": "gone.jsonl: no such file; name a file of items (.jsonl, .json, .csv, .tsv,",
    "pairs from empty.jsonl --out out.jsonl": "empty.jsonl: holds no items; write one JSON object a line, or one row an item",
    "models fetch gpt5": "no model named 'gpt5' to fetch; there is smollm2-135m-instruct",
    "check --model models/bin": "models/bin: holds only pickled weights, which can run code when they are read;",
    "nonesuch": "no such command 'nonesuch'",
    "score": "missing argument 'pairs'",
}
LONG = "x" * 300
# Words before a remedy, or before what could be given instead.
REMEDY = re.compile(
    r"; |: give |did you mean|there (is|are) |is not one of|allowed are|such as|No such|Missing|Input should|a pair has two"
)
# Files that are good, without which the bad ones would say little.
GOOD = ("good.jsonl", "item-no-answer.jsonl", "good12.jsonl", "id-missing.jsonl", "item.jsonl")


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bad")
    bad_inputs.build(root)
    (root / "cache").mkdir()
    return root


def tree(root: Path) -> list[str]:
    return sorted(str(each) for each in root.rglob("*") if root / "cache" not in each.parents)


def command(line: str) -> Iterator[str]:
    usual = "--model", bad_inputs.MODEL, "--out", "out", "--control-pairs", "0", "--no-report"
    for word in shlex.split(line):
        yield from usual if word == "..." else [bad_inputs.MODEL if word == "MODEL" else word]


def said(done: Done) -> str:
    """The line, after the command's name."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert all(char.isprintable() or char == "\n" for char in done.stderr + done.stdout)
    *before, last = done.stderr.strip().splitlines()
    assert not [line for line in before if line.startswith("mediate: ")], "two lines"
    assert last.startswith("mediate: "), done.stderr
    assert len(last) < 2100
    assert REMEDY.search(last), f"no remedy: {last}"
    return last.removeprefix("mediate: ")


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file(space: Path, name: str) -> None:
    before = tree(space)
    line = said(mediate(*command(f"score {name} ..."), cwd=space))
    assert line.startswith(f"{name}{FILES[name]}")
    assert tree(space) == before


@pytest.mark.parametrize("line", COMMANDS)
def test_a_bad_command(space: Path, line: str) -> None:
    before = tree(space)
    assert said(mediate(*command(line), cwd=space)).startswith(COMMANDS[line])
    assert tree(space) == before, "something was written, or a template ran"


@pytest.mark.parametrize(
    "line",
    [
        f"score {LONG}.jsonl ...",
        f"score good.jsonl --model MODEL --out {LONG}",
        f"report {LONG}",
        f"compare {LONG} {LONG} --out out",
    ],
    ids=["file", "out", "report", "compare"],
)
def test_a_name_that_is_too_long(space: Path, line: str) -> None:
    assert said(mediate(*command(line), cwd=space)).endswith("file name too long; give a shorter name")


@pytest.mark.parametrize("name", GOOD)
def test_what_is_good_is_measured(space: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(bad_inputs.FILES[name])
    done = mediate(*command(f"score {name} ..."), cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_there_are_enough_of_them() -> None:
    made = {*bad_inputs.FILES} - {*GOOD}
    assert len(FILES) + len(COMMANDS) >= 150
    used = {name for name in made if name in FILES or any(name in line for line in COMMANDS)}
    assert used == made
