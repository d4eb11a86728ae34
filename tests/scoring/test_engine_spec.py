"""Where a run is computed: choices that do not go together are refused by name."""

from typing import Any

import pytest

from mediate.errors import InputError
from mediate.scoring.engine_spec import make_engine_spec


def test_by_default_this_process_computes_it() -> None:
    assert not make_engine_spec().is_apart
    assert make_engine_spec(shard="1/2").is_apart
    assert make_engine_spec(engine="ray", num_workers=2, gpus_per_worker=0.5).is_apart


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"engine": "dask"}, "engine is 'dask'; give one of local, ray"),
        ({"num_workers": 2, "shard": "1/2"}, "option 'num_workers' is of a run without shards; leave it out"),
        ({"threads_per_worker": 2, "shard": "1/2"}, "option .threads_per_worker. is of workers on Ray"),
        ({"engine": "ray", "num_workers": 0}, "num_workers is 0; give a number from 1"),
        ({"engine": "ray", "shard": "1/2"}, "give engine='ray' or a shard, not both"),
        ({"chains_only": True}, "chains_only is of a shard"),
        ({"engine": "ray", "gpus_per_worker": 2}, "a model must fit on one device"),
        ({"workers": 2}, "no option 'workers'; there are engine, shard"),
    ],
)
def test_what_does_not_go_together_is_refused(choices: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make_engine_spec(**choices)
