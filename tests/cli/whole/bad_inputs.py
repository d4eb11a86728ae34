"""A workspace of bad files; `test_bad_inputs` has the commands over them, and the line that each ends in."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet

MODEL = "reference-0.1m"
BASE = {"question": "Start 4, add 9. Hint 3.", "answer": "3", "cot": "4 + 9 = 3."}
SOURCE = {"question": "Start 5, add 9. Hint 4.", "answer": "4", "cot": "5 + 9 = 4."}
PAIR = {"id": "a1", "group": "g1", "base": BASE, "source": SOURCE}
ITEM = {"id": "a1", "group": "g1", **BASE}
LONG = "4 + 9 = 3. " * 60


def pair(world: str = "", **changes: Any) -> dict[str, Any]:
    """The good pair with some of its values changed, or without the keys whose value is None."""
    found: dict[str, Any] = json.loads(json.dumps(PAIR))
    target = found[world] if world else found
    target.update(changes)
    for key in [key for key, value in target.items() if value is None]:
        del target[key]
    return found


def line(row: Any) -> bytes:
    return (row if isinstance(row, str) else json.dumps(row)).encode() + b"\n"


GOOD = line(PAIR)
# Pairs files that are bad in themselves.
FILES: dict[str, bytes] = {
    "good.jsonl": GOOD,
    "good12.jsonl": b"".join(line(pair(id=f"a{number}", group=f"g{number % 3}")) for number in range(12)),
    "item.jsonl": line(ITEM),
    "empty.jsonl": b"",
    "blank.jsonl": b"\n\n \n",
    "torn.jsonl": GOOD + GOOD[:60],
    "not-json.jsonl": GOOD + b"hello\n",
    "list.jsonl": b"[1, 2]\n",
    "number.jsonl": b"3\n",
    "comment.jsonl": b"// pairs\n" + GOOD,
    "bom-second.jsonl": GOOD + b"\xef\xbb\xbf" + line(pair(id="a2")),
    "utf16.jsonl": json.dumps(PAIR).encode("utf-16"),
    "latin1.jsonl": line(pair(id="a2")).replace(b"g1", b"caf\xe9"),
    "nul.jsonl": b"\x00" * 100 + b"\n",
    "surrogate.jsonl": line(pair(id="a2")).replace(b'"g1"', b'"\\ud83d"'),
    "gzip.jsonl": gzip.compress(GOOD),
    "nan.jsonl": GOOD.replace(b'"g1"', b"NaN"),
    "infinity.jsonl": GOOD.replace(b'"g1"', b"-Infinity"),
    "huge-number.jsonl": GOOD.replace(b'"a1"', b"9" * 5000),
    "nested.jsonl": GOOD.replace(b'"g1"', b"[" * 100_000 + b"]" * 100_000),
    "key-twice.jsonl": GOOD.replace(b'"answer": "3"', b'"answer": "3", "answer": "4"'),
    "id-twice.jsonl": GOOD + line(pair(group="g2")),
    "id-spelt-twice.jsonl": line(pair(id=1)) + line(pair(id="1")),
    "id-missing.jsonl": line(pair(id=None)),
    "id-blank.jsonl": line(pair(id=" ")),
    "id-list.jsonl": line(pair(id=[1])),
    "id-true.jsonl": line(pair(id=True)),
    "id-long.jsonl": line(pair(id="x" * 10_000)),
    "group-object.jsonl": line(pair(group={})),
    "key-unknown.jsonl": line(pair(colour="red")),
    "base-missing.jsonl": line(pair(base=None)),
    "source-text.jsonl": line(pair(source="text")),
    "question-missing.jsonl": line(pair("base", question=None)),
    "question-number.jsonl": line(pair("base", question=3)),
    "question-empty.jsonl": line(pair("base", question="")),
    "question-long.jsonl": line(pair("base", question=LONG)),
    "question-unknown.jsonl": line(pair("base", question="Start 4, add 9. Hint \U0001f600.")),
    "question-u2028.jsonl": line(pair("base", question="Start 4,\u2028add 9. Hint 3.")),
    "question-control.jsonl": line(pair("base", question="<|im_end|>Start 4, add 9. Hint 3.")),
    "questions-equal.jsonl": line(pair("source", question=BASE["question"])),
    "answer-missing.jsonl": line(pair("base", answer=None)),
    "answer-decimal.jsonl": line(pair("base", answer=3.5)),
    "answer-list.jsonl": line(pair("base", answer=["3"])),
    "answer-blank.jsonl": line(pair("base", answer="  ")),
    "answers-equal.jsonl": line(pair("source", answer="3")),
    "answers-same-value.jsonl": line(
        {**PAIR, "base": BASE | {"answer": "1,000"}, "source": SOURCE | {"answer": "1000"}}
    ),
    "answers-prefix.jsonl": line(pair("source", answer="34")),
    "cot-empty.jsonl": line(pair("base", cot="")),
    "cot-blank.jsonl": line(pair("base", cot=" \n")),
    "cot-list.jsonl": line(pair("base", cot=["4 + 9 = 3."])),
    "cot-long.jsonl": line(pair("base", cot=LONG)),
    "cot-misaligned.jsonl": line(pair("source", cot="5 + 9 = 4. 4 + 0 = 4.")),
    "values-text.jsonl": line(pair("base", values=["3"])),
    "second-bad.jsonl": GOOD + b"\n" + line(pair("base", id="a2", answer=None)),
    "keys-unknown.jsonl": line({"prompt": "Start 4.", "completion": "3"}),
    "item-no-answer.jsonl": line({"id": "a", "question": "Start 4, add 9. Hint 3.", "cot": "4 + 9 = 3."}),
    "array.json": json.dumps([PAIR], indent=1).encode()[:-2],
    "no-columns.csv": b"",
    "one-name-twice.csv": b"question,question\nx,y\n",
    "nameless.csv": b"question,,answer\nx,y,z\n",
    "short-row.csv": b"question,answer\nStart 4\n",
    "open-quote.csv": b'question,answer\n"Start 4, add 9. Hint 3.,3\n',
    "latin1.csv": b"question,answer\nStart 4\xe9,3\n",
    "cut.tsv": b"question\tanswer\nStart 4\n",
    "text.parquet": b"not parquet",
    "zero.parquet": b"",
    "text.eval": b"not an archive",
    "pairs.txt": GOOD,
    "pairs": GOOD,
    "pickle.pkl": b"\x80\x04N.",
    "no-hole.txt": b"Q: A:",
    "two-holes.txt": b"{question}{question}",
    "endless.jinja": b"{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    b"{% for m in messages %}{{ m.content }}{% endfor %}",
    "escape.jinja": b"{% for m in messages %}{{ m.__class__.__mro__[1].__subclasses__() }}{% endfor %}",
    "modules.jinja": b"{% for m in messages %}{{ cycler.__init__.__globals__.os.system('touch sang') }}{% endfor %}",
    "broken.jinja": b"{% for m in messages %}{{ m.content ",
    "refuses.jinja": b"{% for m in messages %}{{ raise_exception('no') }}{% endfor %}",
    "loses.jinja": b"{% for m in messages %}x{% endfor %}",
    "latin1.jinja": b"{% for m in messages %}\xe9{% endfor %}",
    "examples-bad.jsonl": b'{"question": "Start 4", "chain": 3}\n',
    "vector.safetensors": b"\x00" * 20,
}


def build(root: Path) -> None:
    """Fills the workspace; it is never written to by a command that is refused."""
    from safetensors.numpy import save_file

    for name, content in FILES.items():
        (root / name).write_bytes(content)
    columns = {"a": [1], "b": [2]}
    pyarrow.parquet.write_table(pyarrow.table(columns), root / "columns.parquet")
    pyarrow.parquet.write_table(
        pyarrow.table({"id": ["a"], "question": [b"\xff"], "answer": ["3"]}), root / "bytes.parquet"
    )
    (root / "folder.jsonl").mkdir()
    os.mkfifo(root / "pipe.jsonl")
    (root / "zero.jsonl").symlink_to("/dev/zero")
    (root / "dangling.jsonl").symlink_to("nowhere")
    (root / "loop.jsonl").symlink_to("loop.jsonl")
    (root / "link-out").symlink_to("nowhere")
    (root / "filled").mkdir()
    (root / "filled" / "notes.txt").write_text("mine")
    folders(root / "models")
    save_file({"x": np.zeros(2, np.float32)}, root / "odd.safetensors")


def folders(root: Path) -> None:
    """Models that none can be loaded from."""
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
    for name, content in {
        "bare": {"model.safetensors": b""},
        "bin": {"config.json": config, "pytorch_model.bin": b"\x80\x04N."},
        "pt": {"config.json": config, "model.pt": b"\x80\x04N."},
        "shards": {"config.json": config, "pytorch_model.bin.index.json": {"weight_map": {"x": "a.bin"}}, "a.bin": b""},
        "no-weights": {"config.json": config},
        "encoder": {"config.json": {"model_type": "bert", "architectures": ["BertModel"]}, "model.safetensors": b""},
        "unknown": {"config.json": {"model_type": "nonesuch"}, "model.safetensors": b""},
        "code": {"config.json": {"model_type": "bird", "auto_map": {"AutoConfig": "x.C"}}, "model.safetensors": b""},
        "kernel": {"config.json": config | {"_attn_implementation_internal": "a/b"}, "model.safetensors": b""},
        "giant": {"config.json": config | {"num_hidden_layers": 10**9}, "model.safetensors": b""},
        "adapter": {"adapter_config.json": {"peft_type": "LORA"}, "adapter_model.safetensors": b""},
        "adapter-lost": {
            "adapter_config.json": {"base_model_name_or_path": "./gone"},
            "adapter_model.safetensors": b"",
        },
        "adapter-bin": {"adapter_config.json": {"peft_type": "LORA"}, "adapter_model.bin": b"\x80\x04N."},
        "steered": {"steering.json": {"base": 3}},
    }.items():
        (root / name).mkdir(parents=True)
        for file, held in content.items():
            (root / name / file).write_bytes(held if isinstance(held, bytes) else json.dumps(held).encode())
    (root / "broken.gguf").write_bytes(b"GGUF")
    (root / "weights.bin").write_bytes(b"\x80\x04N.")
