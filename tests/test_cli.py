"""The command line as a user meets it, on a tiny model in a folder."""

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import tiny

pytestmark = pytest.mark.usefixtures("undrawn")

GOOD = {
    "id": 1,
    "group": "apples",
    "base": {"question": "Tom has 3 apples.", "answer": 7, "cot": "Tom has 3 + 4 = 7."},
    "source": {"question": "Tom has 2 apples.", "answer": 6, "cot": "Tom has 2 + 4 = 6."},
}


def changed(world: str = "base", **changes: object) -> dict:
    pair = json.loads(json.dumps(GOOD))
    target = pair[world] if world else pair
    for key, value in changes.items():
        if value is None:
            del target[key]
        else:
            target[key] = value
    return pair


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "tiny-llama"
    tiny.plain_model("llama").save_pretrained(path)
    tiny.tokenizer().save_pretrained(path)
    return path


@dataclass(frozen=True)
class Done:
    """What a command printed and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def mediate(*arguments: object, cwd: Path) -> Done:
    """Runs a command in this process, as `python -m mediate` would: loading torch anew for each takes seconds."""
    from mediate.cli import main

    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(cwd)
        patch.setenv("MEDIATE_CACHE", str(cwd / "cache"))
        patch.setattr(sys, "argv", ["mediate", *map(str, arguments)])
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0
    return Done(code, out.getvalue(), err.getvalue())


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def assert_refused(done: Done, *said: str) -> None:
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("mediate: ")
    for words in said:
        assert words in lines[0]


def test_score_report_and_read_back(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "pairs.jsonl", GOOD, changed("", id="2"))
    done = mediate("score", "pairs.jsonl", "--model", folder, "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "logit_diff" in done.stdout
    assert done.stdout.strip().endswith("report: run/report.html")
    page = tmp_path / "run" / "report.html"
    before = page.read_text()
    page.unlink()
    assert mediate("report", "run", cwd=tmp_path).returncode == 0
    assert page.read_text() == before
    again = mediate("score", "pairs.jsonl", "--model", folder, "--out", "run", cwd=tmp_path)
    assert again.returncode == 0
    assert again.stdout.startswith("run: holds this very run, finished ")
    assert again.stdout.endswith("nothing was computed\nreport: run/report.html\n")


BAD_LINES = {
    "malformed": ('{"id": 1,', ["pairs.jsonl:2"]),
    "no base": (changed("", id=2, base=None), ["pairs.jsonl:2", "base"]),
    "no answer": (changed(answer=None), ["pairs.jsonl:2", "answer"]),
    "unknown field": (changed("", id=2, colour="red"), ["pairs.jsonl:2", "colour"]),
    "duplicate id": (changed("", id="1"), ["pairs.jsonl:2", "'1'", "pairs.jsonl:1"]),
    "empty chain": (changed(cot=" "), ["pairs.jsonl:2", "CoT is empty"]),
    "equal answers": (changed(answer="6"), ["pairs.jsonl:2", "both answers are '6'"]),
    "prefix": (changed(answer=61), ["pairs.jsonl:2", "'6' is a prefix of '61'"]),
    "too long": (changed("", id=2) | {"base": GOOD["base"] | {"cot": "Tom has 3. " * 99}}, ["pairs.jsonl:2", "256"]),
    "other question length with a map": (
        changed("", id=2) | {"source": GOOD["source"] | {"cot": "Tom now has 2 + 4 = 6."}},
        ["pairs.jsonl:2", "step 0 has"],
    ),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_line_is_named_and_nothing_is_written(folder: Path, tmp_path: Path, name: str) -> None:
    line, said = BAD_LINES[name]
    if isinstance(line, dict) and line["id"] == 1 and name != "duplicate id":
        line = line | {"id": 2}
    write(tmp_path / "pairs.jsonl", GOOD, line)
    arguments = ["score", "pairs.jsonl", "--model", folder, "--out", "run", "--maps", "read:step,layer"]
    assert_refused(mediate(*arguments, cwd=tmp_path), *said)
    assert not (tmp_path / "run").exists()
    done = mediate(*arguments, "--on-bad-item", "skip", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (reject,) = [json.loads(each) for each in (tmp_path / "run" / "rejects.jsonl").read_text().splitlines()]
    assert reject["place"] == "pairs.jsonl:2"
    assert reject["code"] in done.stdout


def test_models_that_cannot_be_used(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "pairs.jsonl", GOOD)
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    (pickled / "config.json").write_text((folder / "config.json").read_text())
    (pickled / "pytorch_model.bin").write_bytes(b"x")
    bare = tmp_path / "bare"
    tiny.plain_model("llama").save_pretrained(bare)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "config.json").write_text('{"model_type": "nonesuch"}')
    (foreign / "model.safetensors").write_bytes(b"")
    for model, said in (
        ("no/such-model", "no such folder or file"),
        ("./nowhere", "no such file or folder"),
        (pickled, "pickled weights"),
        (bare, "tokenizer"),
        (foreign, "foreign"),
        ("smollm2-135m-instruct", "mediate models fetch smollm2-135m-instruct"),
    ):
        assert_refused(mediate("score", "pairs.jsonl", "--model", model, "--out", "run", cwd=tmp_path), said)
    done = mediate("score", "pairs.jsonl", "--model", folder, "--out", "run", "--template", "chat", cwd=tmp_path)
    assert_refused(done, "no chat template")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["score", "none.jsonl", "--model", "m", "--out", "r"], "none.jsonl"),
        (["report", "."], "not a run directory"),
        (["models", "fetch", "gpt5"], "no model named 'gpt5'"),
        (["score", "x.jsonl", "--model", "m", "--out", "r", "--maps", "read:head"], "no map 'read:head'"),
    ],
)
def test_wrong_commands(arguments: list[str], said: str, tmp_path: Path) -> None:
    assert_refused(mediate(*arguments, cwd=tmp_path), said)


def test_pairs_are_made(tmp_path: Path) -> None:
    done = mediate("pairs", "--out", "made.jsonl", "-n", "5", "--with-cot", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "made.jsonl").read_text().splitlines()]
    assert len({line["id"] for line in lines}) == 5
    assert all(line["base"]["cot"] for line in lines)


def test_check_measures_planted_truths_and_tries_identities(tmp_path: Path) -> None:
    done = mediate("check", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # 13 planted models in two precisions, and the identities of two random models, of which one has no rotary keys.
    assert done.stdout.count("\n  ok  ") == 2 * 13 + 17 + 18
    assert done.stdout.count("\n  --  ") == 1
    assert "FAIL" not in done.stdout


@pytest.mark.parametrize(
    "what",
    [
        "import mediate",
        "import mediate.cli",
        "import mediate.report, mediate.figures, mediate.pairs, mediate.tasks, mediate.compare",
    ],
)
def test_importing_loads_no_torch(what: str) -> None:
    code = f"{what}; import sys; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_importing_changes_nothing() -> None:
    # What the imports of others draw from the generators is not ours.
    code = (
        "import sys, jinja2, matplotlib, rich.console, random, numpy as np\n"
        "def state(): return np.random.get_state()[1].tolist(), random.getstate(), dict(matplotlib.rcParams)\n"
        "before = state()\n"
        "import mediate.cli, mediate.report, mediate.figures, mediate.pairs, mediate.tasks\n"
        "sys.exit(state() != before)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "mediate", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("mediate ")


def test_help_names_every_command(tmp_path: Path) -> None:
    done = mediate("--help", cwd=tmp_path)
    for command in ("demo", "score", "compare", "cross", "tune", "report", "check", "models", "pairs"):
        assert command in done.stdout


def test_pairs_give_chains_and_say_what_goes_on(tmp_path: Path) -> None:
    done = mediate("pairs", "--out", "made.jsonl", "-n", "2", cwd=tmp_path)
    assert done.stderr.splitlines()[-1].endswith(
        "mediate score made.jsonl --model smollm2-135m-instruct --out runs/made"
    )
    assert "mediate models fetch smollm2-135m-instruct && " in done.stderr, "it is not here yet"
    assert json.loads((tmp_path / "made.jsonl").read_text().splitlines()[0])["base"]["cot"]
    done = mediate("pairs", "--out", "m.jsonl", "-n", "2", "--task", "modular", "--no-cot", cwd=tmp_path)
    assert done.stderr == "next: mediate score m.jsonl --model reference-0.1m --out runs/m\n"
    assert "cot" not in json.loads((tmp_path / "m.jsonl").read_text().splitlines()[0])["base"]


def test_worded_pairs_are_varied_as_asked(tmp_path: Path) -> None:
    words = ("pairs", "--out", "w.jsonl", "-n", "2", "--task", "worded", "--hint", "random")
    done = mediate(*words, "--vary", "names=defined", "--vary", "before=2", cwd=tmp_path)
    assert done.stderr == "next: mediate score w.jsonl --model reference-worded-0.1m --out runs/w\n"
    asked = json.loads((tmp_path / "w.jsonl").read_text().splitlines()[0])["base"]["question"]
    assert asked.startswith("Let ")
    assert asked.count("The ") == 2
    assert_refused(mediate(*words, "--vary", "colour=red", cwd=tmp_path), "colour=red", "choose from names, clause")


def test_pairs_write_over_no_other_file(tmp_path: Path) -> None:
    arguments = ("pairs", "--out", "made.jsonl", "-n", "2")
    assert mediate(*arguments, cwd=tmp_path).returncode == 0
    before = (tmp_path / "made.jsonl").read_bytes()
    assert mediate(*arguments, cwd=tmp_path).returncode == 0, "the same content is no loss"
    assert_refused(mediate(*arguments, "--no-cot", cwd=tmp_path), "made.jsonl: is there already", "--force")
    assert (tmp_path / "made.jsonl").read_bytes() == before
    assert mediate(*arguments, "--no-cot", "--force", cwd=tmp_path).returncode == 0
    assert (tmp_path / "made.jsonl").read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--maps", "reads:layer"], "no map 'reads:layer'"),
        (["--outcomes", "logits"], "no outcome 'logits'"),
        (["--outcomes", "logit"], "outcome logit is of one answer; a pair has two"),
        (["--template", "chatt"], "template 'chatt'"),
        (["--device", "cdua"], "device 'cdua'"),
        (["--model", "Reference-0.1M"], "did you mean 'reference-0.1m'"),
        (["--out", "pairs.jsonl"], "is a file"),
        (["--chains", "nowhere"], "not a run directory"),
    ],
)
@pytest.mark.parametrize("command", ["score", "cross", "faithfulness"])
def test_what_needs_no_model_is_refused_before_torch_is_there(
    command: str, arguments: list[str], said: str, tmp_path: Path
) -> None:
    write(tmp_path / "pairs.jsonl", GOOD)
    usual = {"--model": "reference-0.1m", "--out": "run"} | (
        {"--tuned": "reference-0.1m"} if command == "cross" else {}
    )
    chosen = usual | {arguments[0]: arguments[1]}
    line = ["mediate", command, "pairs.jsonl", *(each for pair in chosen.items() for each in pair)]
    code = (
        "import sys; from mediate.cli import main\n"
        f"sys.argv = {line!r}\n"
        "try: main()\n"
        "except SystemExit as stop: print(stop.code, 'torch' in sys.modules)"
    )
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["2", "False"], done.stderr
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_directory_of_another_run_is_refused_before_the_model_is_loaded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "pairs.jsonl", GOOD)
    arguments = ("score", "pairs.jsonl", "--model", folder, "--out", "run", "--control-pairs", 0, "--no-report")
    done = mediate(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "next: mediate report run"

    def never(*_: object, **__: object) -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr("mediate.api.load", never)
    assert_refused(mediate(*arguments, "--seed", 1, cwd=tmp_path), "--seed is 0 there and 1 here")
    fewer = mediate(*arguments, "--limit", 1, cwd=tmp_path)
    assert "another run (--limit is not given there and 1 here); give a new directory" in fewer.stderr
    write(tmp_path / "pairs.jsonl", changed("", id=7))
    assert_refused(mediate(*arguments, cwd=tmp_path), "run: holds another run (the file of pairs")
