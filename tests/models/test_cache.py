"""The cache: whose it is, what lies there, and that nothing else is ever deleted."""

import os
import stat
import time
from pathlib import Path

import pytest

from mediate.models import cache
from mediate.models.cache import entries, model_bytes, opened_cache, pruned, touch

DAY = 24 * 60 * 60.0


def entry(root: Path, kind: str, number: int, *, days: float = 0, size: int = 100, suffix: str = "safetensors") -> Path:
    name = f"{number:064x}"
    path = root / kind / name[:2] / f"{name}.{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    then = time.time() - days * DAY
    os.utime(path, (then, then))
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "cache"
    place.mkdir(mode=0o700)
    return place


def names(found: list[cache.Kept]) -> set[str]:
    return {each.path.name[62:64] for each in found}


def test_what_is_old_goes_and_what_was_used_stays(root: Path) -> None:
    old, new = entry(root, "outcomes", 1, days=31), entry(root, "traces", 2, days=29)
    touched = entry(root, "outcomes", 3, days=40)
    touch(touched)
    gone, left = pruned(root, older=30 * DAY, most=None)
    assert (names(gone), names(left)) == ({"01"}, {"02", "03"})
    assert (old.exists(), new.exists(), touched.exists()) == (False, True, True)


def test_an_entry_is_touched_once_a_day(root: Path) -> None:
    path = entry(root, "outcomes", 1, days=0.5)
    before = path.stat().st_mtime
    touch(path)
    assert path.stat().st_mtime == before
    touch(root / "none")


def test_the_longest_unused_go_until_the_others_fit(root: Path) -> None:
    for number in range(5):
        entry(root, "outcomes", number, days=number)
    (root / "models").mkdir()
    (root / "models" / "a.gguf").write_bytes(b"x" * 150)
    gone, left = pruned(root, older=None, most=400)
    assert (names(gone), names(left)) == ({"04", "03", "02"}, {"00", "01"})
    assert model_bytes(root) == {"a.gguf": 150}


def test_what_was_set_aside_goes_first(root: Path) -> None:
    entry(root, "outcomes", 1, suffix="corrupt")
    entry(root, "outcomes", 2)
    assert [each.is_set_aside for each in entries(root)] == [True, False]
    gone, left = pruned(root, older=10 * DAY, most=None)
    assert (names(gone), names(left)) == ({"01"}, {"02"})


def test_a_dry_run_deletes_nothing(root: Path) -> None:
    path = entry(root, "outcomes", 1, days=100)
    gone, _ = pruned(root, older=DAY, most=0, dry=True)
    assert len(gone) == 1
    assert path.exists()


def test_what_is_not_ours_stays(root: Path, tmp_path: Path) -> None:
    outside = entry(tmp_path / "elsewhere", "outcomes", 7, days=100)
    others = [
        root / "notes.txt",
        root / "outcomes" / "00" / "notes.txt",
        root / "outcomes" / ("0" * 64 + ".safetensors"),
        root / "outcomes" / "ff" / ("0" * 64 + ".safetensors"),
        root / "Holidays" / "00" / ("0" * 64 + ".safetensors"),
        root / "outcomes" / "00" / ("0" * 64 + ".safetensors.bak"),
        root / "models" / "00" / ("0" * 64 + ".safetensors"),
        root / "outcomes" / "00" / ("0" * 64 + ".safetensors") / "inside",
    ]
    for path in others:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    (root / "linked").symlink_to(outside.parents[1])
    link = root / "outcomes" / "00" / ("1" * 64 + ".safetensors")
    named = link.with_name("0" * 62 + "07.safetensors")
    named.symlink_to(outside)
    assert pruned(root, older=0.0, most=0) == ([], [])
    assert all(path.exists() for path in (*others, outside, named))


def test_an_entry_that_is_used_meanwhile_or_gone_does_no_harm(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used, gone = entry(root, "outcomes", 1, days=50), entry(root, "outcomes", 2, days=50)
    listed = list(entries(root))
    os.utime(used)
    gone.unlink()
    monkeypatch.setattr(cache, "entries", lambda root: iter(listed))
    found, left = pruned(root, older=30 * DAY, most=None)
    assert (names(found), names(left)) == ({"02"}, {"01"})
    assert used.exists()


def test_a_cache_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    place = tmp_path / "a" / "cache"
    assert opened_cache(place) == ""
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


@pytest.mark.parametrize(("mode", "who"), [(0o770, "its group"), (0o777, "everyone"), (0o1777, "everyone")])
def test_a_cache_that_others_can_write_is_warned_of(tmp_path: Path, mode: int, who: str) -> None:
    place = tmp_path / "cache"
    place.mkdir()
    place.chmod(mode)
    assert f"can be written by {who}" in opened_cache(place)
    place.chmod(0o755)
    assert opened_cache(place) == ""


def test_a_cache_of_another_user_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "cache"
    place.mkdir(mode=0o700)
    if place.stat().st_uid == 0:  # what the system's own user holds is the system's
        os.chown(place, 4242, -1)
    monkeypatch.setattr(os, "getuid", lambda: 1717)
    assert "belongs to another user" in opened_cache(place)


def test_no_cache_holds_nothing(tmp_path: Path) -> None:
    assert list(entries(tmp_path / "none")) == []
    assert pruned(tmp_path / "none", older=0.0, most=0) == ([], [])
    assert model_bytes(tmp_path / "none") == {}
