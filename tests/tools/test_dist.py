"""What may not be in wheel and sdist is named."""

from tools.dist import MEGABYTES, NEEDED, WEIGHTS, faults

GOOD = dict.fromkeys(NEEDED, 1) | {f"{WEIGHTS}a/model.safetensors": 10, "cot_mediate-0.1.0.dist-info/METADATA": 9}


def test_a_wheel_and_an_sdist_as_they_should_be() -> None:
    assert faults(GOOD, ["mediate/passes/store.py", "pyproject.toml", "notebooks/sizes.py"]) == []


def test_each_fault_is_named() -> None:
    untyped = {name: size for name, size in GOOD.items() if not name.endswith("py.typed")}
    assert faults(untyped, []) == ["the wheel lacks mediate/py.typed"]
    assert faults(GOOD | {"tests/tiny.py": 3}, []) == ["the wheel has tests/tiny.py"]
    (heavy,) = faults(GOOD | {f"{WEIGHTS}b/model.safetensors": MEGABYTES * 2**20}, [])
    assert f"above {MEGABYTES}" in heavy
    (light,) = faults({name: size for name, size in GOOD.items() if not name.startswith(WEIGHTS)}, [])
    assert "0.0 MB" in light
    assert faults(GOOD, ["notebooks/sizes.ipynb", "cache/x"]) == [
        "the sdist has notebooks/sizes.ipynb",
        "the sdist has cache/x",
    ]
