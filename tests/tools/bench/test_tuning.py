"""The benchmark of tuning still runs; what it finds here means nothing."""

from tools.bench.timing import Record
from tools.bench.tuning import ARMS, tuning


def test_every_arm_is_timed() -> None:
    record = Record(rounds=1, bench="tuning")
    arms = tuple(arm for arm, _ in ARMS)
    tuning(record, "tiny", steps=2, batch=2, length=16, arms=arms)
    for arm in arms:
        seconds = record.values[f"tuning: {arm}, 2 x 16 tokens: median of 2 steps"]
        assert seconds > 0
        assert record.values[f"tuning: {arm}, 2 x 16 tokens: 200 steps, extrapolated"] == 200 * seconds / 60
