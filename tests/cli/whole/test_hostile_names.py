"""Names that try things: nothing of them reaches the terminal as it is, and no library warns of them."""

import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from mediate.results import Results, write_results
from tests import tiny
from tests.figures.records import fake_results
from tests.report.whole.test_hostile import PAGE_TAGS, check_inert, poison
from tests.test_cli import GOOD, changed, mediate, write

ESCAPES = ("\x1b[2J\x1b]0;pwn\x07", "\x9b31m\r", "\u202egnp.exe", "\x00\x08", "名\x1b前 🙂")


def named(results: Results, text: str, created: str) -> Results:
    found = poison(results, text)
    usual = fake_results(6, layers=3).manifest
    manifest = dict(usual) | {"created": created, "model": dict(usual["model"]) | {"name": f"{text}{created}"}}
    outcome = {each.outcome: name for each, name in zip(found.cubes, ("logit_diff", "logprob_diff"), strict=True)}
    return replace(
        found,
        manifest=manifest,
        cubes=tuple(replace(each, outcome=outcome[each.outcome]) for each in found.cubes),
        maps=tuple(replace(each, kind="read", outcome="logit_diff") for each in found.maps),
    )


@pytest.mark.parametrize("text", ["".join(ESCAPES[:3]), "".join(ESCAPES[3:])], ids=ascii)
def test_a_comparison_of_them_is_quiet(tmp_path: Path, text: str) -> None:
    small = fake_results(6, layers=3)
    for name in ("one", "two"):
        write_results(tmp_path / name, named(small, text, name))
    label = text.replace("\x00", "\x01")  # what a command line can hold
    arguments = ("compare", "one", "two", "--out", "out", "--labels", f"{label}a", "--labels", f"{label}b")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = mediate(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for said in (done.stdout, done.stderr):
        assert all(char.isprintable() or char == "\n" for char in said)
    assert (tmp_path / "out" / "comparison.html").exists()


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("text", [each for each in ESCAPES if "\x00" not in each], ids=ascii)
def test_files_and_folders_of_such_names_are_named_plainly(tmp_path: Path, text: str) -> None:
    """Names of files come out of archives and from others' disks; a line of progress, of the end and of an error."""
    write(tmp_path / f"{text}.jsonl", GOOD, changed("", id=2, base=None))
    tiny.plain_model("llama").save_pretrained(tmp_path / f"m{text}")
    tiny.tokenizer().save_pretrained(tmp_path / f"m{text}")
    usual = ("score", f"{text}.jsonl", "--out", f"out{text}", "--control-pairs", 0, "--maps", "none")
    done = mediate(*usual, "--model", "reference-0.1m", cwd=tmp_path)
    assert done.returncode == 2
    cases = [done]
    for skip in (("--on-bad-item", "skip"), ()):
        cases.append(mediate(*usual, "--model", f"./m{text}", *skip, cwd=tmp_path))
    cases.append(mediate("report", f"out{text}", cwd=tmp_path))
    for each in cases:
        said = each.stdout + each.stderr
        assert all(char.isprintable() or char == "\n" for char in said), ascii(said)


def test_no_output_has_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run, page, tables and terminal of a run, with the hub's token where libraries look for it."""
    monkeypatch.setenv("HF_TOKEN", "hf_PlantedPlantedPlanted1")
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", "hf_PlantedPlantedPlanted1")
    write(tmp_path / "pairs.jsonl", GOOD)
    tiny.plain_model("llama").save_pretrained(tmp_path / "model")
    tiny.tokenizer().save_pretrained(tmp_path / "model")
    done = mediate("score", "pairs.jsonl", "--model", "model", "--out", "run", "--control-pairs", 0, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    written = b"".join(path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert b"Planted" not in written + (done.stdout + done.stderr).encode()
    assert str(tmp_path).encode() not in written, "where things stand on a disk is nobody else's business"
    refused = mediate(
        "score", "pairs.jsonl", "--model", "https://me:hf_PlantedPlantedPlanted1@x", "--out", "o", cwd=tmp_path
    )
    assert refused.returncode == 2
    assert "Planted" not in refused.stderr


def test_an_error_with_them_is_one_plain_line(tmp_path: Path) -> None:
    done = mediate("report", "\x1b[2Jnowhere\r\nsecond line", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.strip().isprintable()


PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "</script><svg/onload=alert(3)>",
    '=HYPERLINK("http://127.0.0.1:9/","x")',
    "\x1b[2J\x1b]0;pwn\x07",
    "../../../../etc/pwn",
    "{{7*7}}{% raw %}",
    "\u202egnp.exe",
)


def test_pairs_that_try_things_are_measured_and_shown_as_text(tmp_path: Path) -> None:
    """In id, group, question and chain: from the file to the page and the terminal."""
    plain, tokenizer = tiny.plain_model("llama"), tiny.byte_level()
    plain.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    plain.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    pairs = [
        {"id": f"{text}{place}", "group": text}
        | {
            world: {
                "question": f"Hint {number}.{text}",
                "answer": str(number),
                "cot": f"4 + {number} = {number}.{text}",
            }
            for world, number in (("base", 3), ("source", 5))
        }
        for place, text in enumerate(PAYLOADS)
    ]
    write(tmp_path / "pairs.jsonl", *pairs)
    arguments = ("score", "pairs.jsonl", "--model", "model", "--out", "run", "--control-pairs", 0, "--maps", "none")
    done = mediate(*arguments, "--on-bad-item", "skip", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for said in (done.stdout, done.stderr):
        assert all(char.isprintable() or char == "\n" for char in said)
    html = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    text = check_inert(html, PAGE_TAGS)
    assert "{{7*7}}{% raw %}" in text
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("model", "run", "cache")] == ["pairs.jsonl"]


def test_commands_print_by_one_function() -> None:
    """What goes to standard output without it are plain facts: a version, JSON in ASCII, where the time went."""
    folder = Path(__file__).parents[3] / "mediate" / "cli"
    plain = ("__version__", "json.dumps", "failed", "clock.told()")
    printed = [
        f"{path.name}: {line.strip()}"
        for path in sorted(folder.glob("*.py"))
        if path.name != "ending.py"
        for line in path.read_text("utf-8").split("\n")
        if "typer.echo(" in line and not any(each in line for each in plain)
    ]
    assert not printed
