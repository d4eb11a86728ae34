"""Run files: the same values in each format, and whatever else could stand in one refused with its place."""

from pathlib import Path

import pytest

from mediate.errors import InputError
from mediate.scoring.run_file import MOST, beside, is_run_file, read_run_file, relative_to, write_run_file

VALUES = {
    "pairs": "p.jsonl",
    "model": "reference-0.1m",
    "maps": ["read:step,layer", "knockout:step,layer"],
    "seed": 3,
    "level": 0.9,
    "min_te": 1e-05,
    "cache": False,
    "answer_cue": "\nSo: \u2028é #1 'x' \"y\"",
    "on_bad_item": "no",
    "stop": ["yes", "1", "null", "~", ""],
}
SUFFIXES = [".yaml", ".yml", ".toml", ".json"]


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_reads_back_the_same(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run{suffix}"
    write_run_file(path, VALUES | {"adapter": None})
    assert read_run_file(path).values == VALUES
    assert is_run_file(path, "pairs")


def test_lines_of_keys_are_known(tmp_path: Path) -> None:
    yaml = written(tmp_path, "run.yaml", "# a run\npairs: p.jsonl\n\nseed: 1\n")
    toml = written(tmp_path, "run.toml", 'pairs = "p.jsonl"\n"seed" = 1\n')
    assert read_run_file(yaml).lines == {"pairs": 2, "seed": 4}
    assert read_run_file(toml).lines == {"pairs": 1, "seed": 2}
    assert read_run_file(yaml).place("seed") == f"{yaml}:4: 'seed'"


def test_bare_words_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "run.yaml",
        "a: no\nb: 1e-3\nc: 2024-01-01\nd: 0x10\ne: True\nf:\ng: .5\nh: '7'\ni: 1_000\nj: |\n  x\n",
    )
    found = read_run_file(path).values
    assert found == {
        "a": "no", "b": 0.001, "c": "2024-01-01", "d": "0x10", "e": True, "f": None, "g": 0.5, "h": "7", "i": "1_000",
        "j": "x\n",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "seed: 1\nmodel: m\nseed: 2\n", r"a\.yaml:3: 'seed' occurs twice, first on line 1"),
        ("a.json", '{"seed": 1, "seed": 2}', r"the key 'seed' occurs twice"),
        ("a.toml", "seed = 1\nseed = 2\n", r"a\.toml: not TOML \(Cannot overwrite a value \(at line 2"),
        ("a.yaml", "a: &x [1]\nb: *x\n", r"a\.yaml:1: an anchor \(&\) of YAML is not read"),
        ("a.yaml", "b: *x\n", r"a\.yaml:1: an alias"),
        ("a.yaml", "<<: {a: 1}\nb: !!python/object/apply:os.system ['true']\n", r"a\.yaml:2: a tag"),
        ("a.yaml", "a: 1\n b: 2\n", r"a\.yaml:2: not YAML"),
        ("a.yaml", "a: \x07\n", r"a\.yaml: not YAML"),
        ("a.yaml", "a: " + "[" * 100_000, r"a\.yaml:1: nested too deeply"),
        ("a.json", '{"a": ' + "[" * 100_000, r"a\.json: nested too deeply"),
        ("a.toml", "a = " + "[" * 100_000, r"a\.toml: nested too deeply"),
        ("a.yaml", "- a\n- b\n", r"a\.yaml: is no mapping"),
        ("a.yaml", "", r"a\.yaml: is no mapping"),
        ("a.yaml", "a: 1\n---\nb: 2\n", r"a\.yaml:2: not YAML"),
        ("a.yaml", "? [a, b]\n: 1\n", r"a\.yaml:1: a key that is no text"),
        ("a.yaml", "seed: " + "9" * 5000, r"a\.yaml:1: a number of 5000 digits"),
        ("a.toml", "seed = " + "9" * 5000, r"a\.toml: a number cannot be read"),
        ("a.json", '{"level": NaN}', r"a\.json: NaN is not JSON"),
        ("a.json", "[1]", r"a\.json: is no mapping"),
        ("a.yaml", b"a: \xff\n", r"a\.yaml: not UTF-8 \(byte 4\)"),
        ("a.yaml", "a: 1\n" + "#" * MOST, r"at most 1048576 are read"),
    ],
)
def test_what_is_no_run_is_refused_in_one_line(tmp_path: Path, name: str, text: str | bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_run_file(written(tmp_path, name, text))
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read \(No such file"):
        read_run_file(tmp_path / "none.yaml")
    (tmp_path / "d.yaml").mkdir()
    with pytest.raises(InputError, match=r"d\.yaml: a directory"):
        read_run_file(tmp_path / "d.yaml")


def test_json_is_a_run_by_its_keys_and_else_data(tmp_path: Path) -> None:
    assert is_run_file(written(tmp_path, "r.json", '{"pairs": "p.jsonl"}'), "pairs")
    assert is_run_file(written(tmp_path, "c.json", '{"runs": ["a", "b"]}'), "runs")
    for data in ('[{"pairs": "x"}]', '{"question": "1?", "answer": "1"}', '{"pairs": [{"id": 1}]}', "{", "[" * 100_000):
        assert not is_run_file(written(tmp_path, "d.json", data), "pairs")
    assert not is_run_file(tmp_path / "p.jsonl", "pairs")


def test_no_other_suffix_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"run\.txt: a run file ends in \.yaml, \.yml, \.toml, \.json"):
        write_run_file(tmp_path / "run.txt", VALUES)


def test_paths_are_of_the_files_folder(tmp_path: Path) -> None:
    file = tmp_path / "runs" / "run.yaml"
    assert beside(file, "p.jsonl") == str(tmp_path / "runs" / "p.jsonl")
    assert beside(file, str(tmp_path / "p.jsonl")) == str(tmp_path / "p.jsonl")
    assert relative_to(file, str(tmp_path / "runs" / "a" / "p.jsonl")) == "a/p.jsonl"
    assert relative_to(file, [str(tmp_path / "p.jsonl")]) == [str((tmp_path / "p.jsonl").resolve())]
