"""Nothing in the package or its tools unpickles, evaluates text, runs a shell or writes what a spreadsheet runs."""

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
# Modules that have no place here, and calls by their last names or by module and name.
MODULES = {"pickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
CALLS = {
    "torch.load", "torch.save", "torch.hub.load", "torch.package.PackageImporter", "numpy.load", "np.load", "np.savez",
    "pd.read_pickle", "pandas.read_pickle", "os.system", "os.popen", "os.execv", "os.execve", "subprocess.getoutput",
    "yaml.load", "yaml.unsafe_load", "yaml.full_load", "csv.writer", "csv.DictWriter", "tempfile.mktemp",
    "shutil.unpack_archive", "importlib.util.spec_from_file_location", "builtins.eval", "builtins.exec",
}  # fmt: skip
METHODS = {"to_pickle", "read_pickle", "to_csv", "to_excel", "extractall", "unpack_archive"}
BARE = {"eval", "exec", "compile", "__import__"}
# What is allowed, with the reason: nothing may join without one.
ALLOWED: dict[str, set[str]] = {}


@cache
def trees() -> dict[str, ast.Module]:
    """The syntax tree of every module of the package and its tools, by its path."""
    found = (file for folder in ("mediate", "tools") for file in sorted((ROOT / folder).rglob("*.py")))
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text(encoding="utf-8")) for file in found}


def unsafe(tree: ast.Module) -> Iterator[str]:
    """What a module does that it must not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{each.name}" for each in node.names]
            yield from (each for each in [str(node.module), *names] if each in MODULES | CALLS)
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            method = called.rpartition(".")[2] if "." in called else ""
            if called in CALLS | BARE or method in METHODS:
                yield called
            for option in node.keywords:
                if option.arg in ("shell", "allow_pickle", "trust_remote_code") and not (
                    isinstance(option.value, ast.Constant) and option.value.value is False
                ):
                    yield f"{called}({option.arg}=)"
                if option.arg == "weights_only" and not getattr(option.value, "value", False):
                    yield f"{called}(weights_only=)"


def test_no_module_does_what_is_unsafe() -> None:
    found = {name: set(unsafe(tree)) for name, tree in trees().items()}
    assert len(found) > 300
    assert {name: what for name, what in found.items() if what} == ALLOWED


UNSAFE = {
    "import pickle": "pickle",
    "from joblib import load": "joblib",
    "import torch\ntorch.load('x')": "torch.load",
    "from torch import load": "torch.load",
    "model.load(weights_only=False)": "model.load(weights_only=)",
    "eval('1')": "eval",
    "subprocess.run('x', shell=True)": "subprocess.run(shell=)",
    "frame.to_csv('x')": "frame.to_csv",
    "AutoModel.from_pretrained('x', trust_remote_code=flag)": "AutoModel.from_pretrained(trust_remote_code=)",
    "tarfile.open('x').extractall()": "tarfile.open('x').extractall",
}


@pytest.mark.parametrize("source", UNSAFE)
def test_each_of_them_would_be_seen(source: str) -> None:
    assert list(unsafe(ast.parse(source))) == [UNSAFE[source]]


@pytest.mark.parametrize(
    "source", ["x.load('f')", "run(weights_only=True)", "f(trust_remote_code=False)", "re.compile('x')"]
)
def test_what_is_safe_is_let_be(source: str) -> None:
    assert not list(unsafe(ast.parse(source)))


READING = {f"Auto{kind}.from_pretrained" for kind in ("Config", "ModelForCausalLM", "Tokenizer")}


def test_models_are_read_from_safetensors_and_never_run_code() -> None:
    """Each call that reads a model or tokenizer of somebody's says so, the hub's own defaults aside."""
    reading = {}
    for name, tree in trees().items():
        for node in ast.walk(tree):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in READING:
                reading.setdefault(name, []).append((called, {each.arg for each in node.keywords}))
    assert set(reading) == {"mediate/models/loading.py", "mediate/models/gguf.py", "tools/architectures/rows.py"}
    for called, options in reading["mediate/models/loading.py"]:
        assert "trust_remote_code" in options
        assert "use_safetensors" in options or not called.startswith("AutoModel")
    assert all("gguf_file" in options for _, options in reading["mediate/models/gguf.py"])


# The least release without a known hole that matters here, and what it closed.
FLOORS = {
    "torch": "2.10",  # CVE-2025-32434 and CVE-2026-24747: code, and memory, through a checkpoint
    "transformers": "5.3",  # CVE-2026-4372 and CVE-2026-5241: code through a configuration
    "filelock": "3.20.3",  # CVE-2025-68146 and CVE-2026-22701: a link in place of a lock
    "jinja2": "3.1.6",  # CVE-2025-27516: out of the sandbox
    "ray": "2.54",  # CVE-2026-27482: requests without authentication
}


def ranges() -> dict[str, list[Requirement]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    found: dict[str, list[Requirement]] = {}
    for each in map(Requirement, lines):
        found.setdefault(each.name.lower(), []).append(each)
    return found


@pytest.mark.parametrize("name", FLOORS)
def test_no_release_with_a_known_hole_is_within_the_ranges(name: str) -> None:
    asked = ranges().get(name, [])
    if name == "ray" and not asked:
        pytest.skip("not a dependency")
    assert asked
    for each in asked:
        floors = [Version(part.version) for part in each.specifier if part.operator == ">="]
        assert floors, f"{each} has no floor"
        assert max(floors) >= Version(FLOORS[name])


def test_what_is_locked_is_above_the_floors() -> None:
    pins = [Requirement(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if line[:1].isalnum()]
    versions = {each.name.lower(): Version(next(iter(each.specifier)).version) for each in pins}
    for name, floor in FLOORS.items():
        assert name not in versions or versions[name] >= Version(floor)
    assert versions.keys() >= FLOORS.keys() - {"ray"}
    hashed = (ROOT / "requirements-hashed.txt").read_text()
    assert all("--hash=sha256:" in block for block in hashed.split("\n\n") if "==" in block)
