"""The rooms of the package: who may import whom, how large files, signatures and names may grow, where tests stand.

What counts as an import: every `import` and `from ... import` of a module of this package, wherever it stands. One
inside a function, for laziness, counts as one at the top does, and so does one under `TYPE_CHECKING`: a room that needs
the other only late, or only for its types, needs it all the same. The package's own `__init__` stands last: it names
what is public, and nothing imports from it. All is read from the source; nothing is imported here.
"""

import ast
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TREE = TESTS.parent
ROOT = TREE / "mediate"
# Each imports from the ones before it alone.
ORDER = (
    "errors", "version", "showing", "choices", "journal", "watch", "clock", "beside", "files", "forking", "holding",
    "stats", "pairs", "tasks", "traces", "results", "models", "passes", "mediation", "tuning", "reference", "scoring",
    "faithfulness", "distill", "compare", "figures", "report", "checks", "api", "folders", "teaching", "one_item",
    "demo", "cli", "__main__", "",
)  # fmt: skip
WITHOUT_TORCH = {
    "errors", "version", "showing", "choices", "journal", "watch", "clock", "beside", "files", "forking", "holding",
    "stats", "pairs", "tasks", "traces", "results", "compare", "figures", "report",
}  # fmt: skip
# A folder inside a room and who reaches into it past the room: the checks, which try the measurements one by one. All
# others have `mediation.maps`, `mediation.procedures` and what is prepared. One that reaches no more must leave it.
REACHING_IN = {"mediation.kinds": ("checks.identities", "checks.run")}
LINES, PARAMETERS = 300, 7
# Functions with more parameters than that, outside `cli`, with their number. Nothing may join; one that is mended must
# leave.
TOO_MANY: dict[str, int] = {}
# One name for files of several rooms is one noun, seen from each of them; here is which.
ONE_NOUN = {
    "agreement": "how far an estimate agrees with exact patching: the record, drawing it",
    "before_answer": "chains cut before they state their answer: measuring them, drawing what is left",
    "behaviour": "answers after edited chains: the records, drawing them, the part of the page",
    "cache": "what can be made again: what is kept of it, and the command",
    "conditions": "the conditions of a set: what was measured under each, its figure, its part of the page",
    "controls": "controls of a measurement: the record, measuring one, those of a run, drawing them",
    "cross": "the verb: the command and what it does",
    "crossing": "two checkpoints on the same tokens: the record, measuring it, its figures, its page",
    "cube": "Y[d, t, h]: the record and measuring it",
    "demo": "the verb: the command and what it does",
    "faithfulness": "the verb: the command, what it does, and what a user then holds",
    "figures": "the figures of a page, of a run and of a comparison",
    "files": "what lies on disk: any file, and files of pairs",
    "folder": "a directory that a verb fills, and its life",
    "ladder": "models of several sizes: the trend, comparing it, drawing it",
    "item": "an item by itself: the record, and in tokens",
    "items": "items by themselves: deciding what a run measures of them, and the part of its page",
    "maps": "effects over named axes: the record, which can be asked for, comparing them",
    "outcomes": "the number read at the answer: what is known of it, and reading it off",
    "page": "one HTML page, of a run and of a comparison",
    "paired": "two states on the same groups: the statistics and the figure",
    "parts": "parts of a whole: of a run that is not finished, of a page",
    "prompts": "how a question is put to a model, and whether two runs do so alike",
    "sensitivity": "replacements of a chain side by side: the numbers, drawing them, the part of the page",
    "score": "the verb: the command and what it does",
    "rsd": "writing traces together: doing it for some, and what a user then holds",
    "speculative": "reverse speculative decoding: its rule, and what it wrote",
    "spec": "the choices of a verb",
    "steps": "steps of a chain: finding and drawing them",
    "tables": "data frames, of a run and of a comparison",
    "token_join": "what tokens carry beside how likely they are: the record, and what a user then holds",
    "tokens": "a chain's tokens: as training data and on a page",
    "traces": "scored traces: the command, the figures, and what a user then holds",
    "tune": "the verb: the command and what it does",
    "turning": "how keys turn with their position: the turn, and asking a model for it",
    "twins": "pairs made of items: making them, and the command",
    "worded": "the worded reference reasoners: their task, their training",
    "words": "sentences on a page, of any and of a comparison",
}


@cache
def modules() -> dict[str, ast.Module]:
    """The syntax tree of every module, by its name below the package; of a folder, that of its `__init__`."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imported(tree: ast.Module) -> Iterator[str]:
    """The full names of all that a module imports; of a name in a module, the module's."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written from the package on"
            for each in node.names:
                inner = f"{node.module}.{each.name}"
                yield inner if inner.removeprefix("mediate.") in modules() else str(node.module)


@cache
def uses(name: str) -> frozenset[str]:
    """The modules of this package that one imports."""
    found = [each for each in imported(modules()[name]) if each.split(".")[0] == "mediate"]
    return frozenset(each.removeprefix("mediate").removeprefix(".") for each in found)


def room(name: str) -> str:
    return name.split(".")[0]


def test_every_room_has_its_place() -> None:
    assert {room(name) for name in modules()} == set(ORDER)


def test_no_import_goes_backwards() -> None:
    assert not [
        f"{name} imports {other}"
        for name in modules()
        for other in uses(name)
        if room(name) != room(other) and ORDER.index(room(other)) >= ORDER.index(room(name))
    ]


def test_no_import_goes_round() -> None:
    try:
        TopologicalSorter({name: uses(name) - {name} for name in modules()}).prepare()
    except CycleError as error:
        raise AssertionError(" imports ".join(reversed(error.args[1]))) from error


def test_rooms_without_torch_import_none() -> None:
    heavy = {"torch", "transformers", "transformer_lens", "safetensors"}
    with_torch = {name for name in ORDER if name not in WITHOUT_TORCH}
    for name, tree in modules().items():
        if room(name) in WITHOUT_TORCH:
            assert not heavy & {each.split(".")[0] for each in imported(tree)}, name
            assert not with_torch & {room(each) for each in uses(name)}, name


def test_a_folder_inside_a_room_is_opened_by_the_room() -> None:
    inner = {
        path.relative_to(ROOT).as_posix().replace("/", ".") for path in ROOT.glob("*/*/") if any(path.glob("*.py"))
    }
    assert inner == {
        "mediation.contrasts", "mediation.kinds", "pairs.schemas", "passes.sweeps", "report.comparison", "report.run",
        "scoring.engines", "tuning.arms",
    }  # fmt: skip
    reaching = defaultdict(set)
    for name in modules():
        for other in uses(name):
            folder = ".".join(other.split(".")[:2])
            if folder in inner and room(name) != room(other):
                reaching[folder].add(name)
    assert {folder: tuple(sorted(names)) for folder, names in reaching.items()} == REACHING_IN


def test_no_file_is_long() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in ROOT.rglob("*.py")}
    assert not {name: count for name, count in lines.items() if count > LINES}


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many parameters a call may give: `self` and `cls` do not count, `*args` and `**options` do, as one each."""
    given = function.args
    names = [each.arg for each in (*given.posonlyargs, *given.args)]
    many = len(names) + len(given.kwonlyargs) + (given.vararg is not None) + (given.kwarg is not None)
    return many - (names[:1] in (["self"], ["cls"]))


def test_no_more_functions_with_many_parameters() -> None:
    found = {
        f"{name}.{node.name}": parameters(node)
        for name, tree in modules().items()
        if room(name) != "cli"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and parameters(node) > PARAMETERS
    }
    assert found == TOO_MANY


def test_no_two_classes_of_one_name() -> None:
    places = defaultdict(list)
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(name)
    assert not {name: found for name, found in places.items() if len(found) > 1}


def test_files_of_one_name_are_of_one_noun() -> None:
    names = Counter(path.stem for path in ROOT.rglob("*.py") if not path.stem.startswith("__"))
    assert {name for name, count in names.items() if count > 1} == set(ONE_NOUN)
    assert not {"utils", "common", "misc", "types", "helpers"} & set(names)


# Folders of tests of more than one module, in a room or beside the rooms: of several modules together, of laws that
# hold across rooms, of what documents say.
WHOLE = {"whole", "identities", "documents"}
# Where files of tests are named by their path.
NAMING = ("*.md", "docs/*.md", "mediate/**/*.py", "tools/**/*.py", "Makefile", "pyproject.toml")


def without_module(tests: Path) -> set[str]:
    """The files of tests that neither have the name and the place of a module nor stand in a folder of `WHOLE`."""
    found = set()
    for path in tests.rglob("test_*.py"):
        place = path.relative_to(tests)
        mirrored = (TREE if place.parts[0] == "tools" else ROOT) / place.with_name(place.name.removeprefix("test_"))
        package = any(mirrored.with_suffix("").glob("*.py"))
        if not (WHOLE & set(place.parts) or mirrored.exists() or package):
            found.add(place.as_posix())
    return found


def test_tests_mirror_the_package() -> None:
    assert without_module(TESTS) == {Path(__file__).name}


def test_every_room_of_tests_has_its_marker() -> None:
    places = {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")}
    markers = tomllib.loads((TREE / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]["ini_options"]["markers"]
    rooms = {place.removeprefix("test_").removesuffix(".py") for place in places}
    assert {marker.partition(":")[0] for marker in markers} == rooms | {"real", "slow"}


def test_a_test_is_in_its_room(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("rooms")


def test_files_of_tests_that_are_named_are_there() -> None:
    named = {
        f"{path.relative_to(TREE)} names {found}"
        for pattern in NAMING
        for path in TREE.glob(pattern)
        for found in re.findall(r"tests/[\w/]+\.py", path.read_text("utf-8"))
        if not (TREE / found).exists()
    }
    assert not named
