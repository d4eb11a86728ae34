"""The lock is whole, fits the ranges and names no place; what moved is told."""

import re

from packaging.requirements import Requirement

from tools.resolve import GPU, HASHED, LOCK, Pin, moved, parse, pinned, requirements, versions

LOCKED, WITH_HASHES = (list(parse(path.read_text())) for path in (LOCK, HASHED))


def test_every_direct_dependency_is_locked_within_its_range() -> None:
    found = versions(LOCKED)
    for wanted in map(Requirement, requirements()):
        assert found.get(wanted.name), f"{wanted.name} is not locked: make lock"
        for version in found[wanted.name]:
            assert wanted.specifier.contains(version), f"{wanted.name} {version} is not {wanted.specifier}: make lock"


def test_the_lock_has_exact_versions_for_every_index_and_none_of_what_a_cpu_build_does_without() -> None:
    text = LOCK.read_text()
    assert not re.search(r"://|file:|^-|--|@|nvidia|cuda|triton", text, flags=re.MULTILINE)
    for pin in LOCKED:
        assert re.fullmatch(r"[\w.]+", pin.version), f"{pin.name} {pin.version} is a build of one place"
    assert re.fullmatch(r"\d+\.\d+\.\d+", pinned(LOCK, "torch"))


def test_the_file_with_hashes_has_the_same_versions_and_what_torch_needs_for_a_gpu() -> None:
    without = [Pin(pin.name, pin.version, pin.marker) for pin in WITH_HASHES if not GPU.match(pin.name)]
    assert without == LOCKED
    assert len(without) < len(WITH_HASHES)
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for pin in WITH_HASHES for each in pin.hashes)
    assert all(pin.hashes for pin in WITH_HASHES)
    assert "CUDA" in HASHED.read_text().split("accelerate")[0]


def test_pins_are_read_as_they_are_written() -> None:
    pins = [
        Pin("a", "1.0"),
        Pin("b-c", "2.0rc1", "python_full_version < '3.12'"),
        Pin("b-c", "2.1", "python_full_version >= '3.12'", ("sha256:00", "sha256:11")),
    ]
    assert list(parse("# a remark\n" + "".join(f"{pin}\n" for pin in pins))) == pins


def test_what_moved_is_told_with_both_versions() -> None:
    before = [Pin("same", "1"), Pin("gone", "1"), Pin("up", "1"), Pin("split", "1")]
    after = [Pin("same", "1"), Pin("up", "2"), Pin("split", "1", "x"), Pin("split", "2", "y"), Pin("new", "3")]
    assert moved(before, after) == [
        "gone 1 -> (none)",
        "new (none) -> 3",
        "split 1 -> 1 and 2",
        "up 1 -> 2",
    ]
    assert moved(after, after) == []


def test_freed_requirements_keep_their_floors_alone() -> None:
    ranges, freed = ([Requirement(each) for each in requirements(freed=way)] for way in (False, True))
    assert any("<" in str(each.specifier) for each in ranges)
    assert [each.name for each in freed] == [each.name for each in ranges]
    for each, other in zip(freed, ranges, strict=True):
        assert {part for part in other.specifier if part.operator == ">="} == set(each.specifier)
