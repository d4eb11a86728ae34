"""`mediate maps` lists what `--maps` takes, as it is."""

import json
import re
import subprocess
import sys
from pathlib import Path

from mediate.mediation.names import parse_map
from mediate.mediation.presets import PRESETS
from mediate.models.sites import BY_KV_HEAD
from mediate.results.kinds import AXES, KINDS
from tests.test_cli import mediate


def test_every_preset_and_kind_is_listed_with_maps_that_there_are(tmp_path: Path) -> None:
    found = json.loads(mediate("maps", "--json", cwd=tmp_path).stdout)
    assert set(found["presets"]) == {each.name for each in PRESETS}
    assert len(found["kinds"]) == sum(bool(each.home) for each in KINDS)
    for kind in found["kinds"]:
        for name in kind["names"]:
            spelt = name.replace("REFERENCE", "zero").replace("COMPONENT", "resid_post")
            heads = {"head", "kv_head"} if "COMPONENT" in name else set()
            axes = [each for each in kind["axes"] if each not in heads and each != "position"]
            assert parse_map(f"{spelt}:{','.join(axes)}").name.of.name == name.partition(".")[0]


def test_words_name_the_same(tmp_path: Path) -> None:
    told = mediate("maps", cwd=tmp_path).stdout
    for each in PRESETS:
        assert each.asks in told
        assert f"pairs: {' '.join(each.pairs)}" in told


def test_it_imports_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from mediate.cli import main; sys.argv = ['mediate', 'maps']\n"
        "try: main()\nexcept SystemExit: pass\nsys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path).returncode == 0


def test_the_page_of_maps_names_the_axes_of_each_kind() -> None:
    page = (Path(__file__).parents[2] / "docs" / "maps.md").read_text("utf-8")
    table = page[page.index("| kind | axes, any of |") :].split("\n\n")[0].splitlines()[2:]
    told: dict[str, set[str]] = {}
    for row in table:
        name, axes = (re.findall(r"`([^`]+)`", cell) for cell in row.strip("|").split(" | ")[:2])
        kind = name[0].partition(".")[0]
        told[kind] = told.get(kind, set()) | {each for each in axes if each in (*AXES, "later", "result")}
    for of in (each for each in KINDS if each.home and each.name not in ("ablate", "attribution")):  # as state
        other = {"head", "kv_head"} - ({"kv_head"} if of.heads in BY_KV_HEAD else {"head"})
        wanted = set(of.axes) - (other if of.heads else set())
        assert told[of.name] == wanted, of.name
