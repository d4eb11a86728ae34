"""Texts of several processes in one folder."""

from pathlib import Path

from mediate.scoring.engines.texts import joined, keep, kept


def test_what_is_kept_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    assert kept(tmp_path / "none") == []
    for content in (b'{"a": 1}', b'{"b": 2}', b'{"a": 1}'):
        keep(tmp_path, content)
    assert sorted(kept(tmp_path)) == [b'{"a": 1}', b'{"b": 2}']
    cut = next(path for path in tmp_path.iterdir() if b"a" in path.read_bytes())
    cut.write_bytes(cut.read_bytes()[:-1])
    assert joined(kept(tmp_path)) == b'[{"b": 2}]'
