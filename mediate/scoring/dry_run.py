"""What a run would take, said before it is made: all of it is put into tokens, and some of it measured for its pace.

Nothing is written where a run writes: what is measured for the pace goes into a folder of the system's, which is
deleted. Chains that the model must write are written for those items alone.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from mediate.clock import timed
from mediate.errors import ItemError
from mediate.journal import unnoted
from mediate.mediation.costs import block_weights
from mediate.mediation.prepared_item import Prepared
from mediate.models.model import Model
from mediate.models.random_twin import DRAWING
from mediate.pairs.pair import Item, Pair, named_items
from mediate.passes.memory import peak_bytes
from mediate.passes.selfcheck import SWEPT
from mediate.passes.store import Store
from mediate.results.told import Reject
from mediate.scoring.forecast import Forecast, costs_of, duration
from mediate.scoring.given import as_measured, check_set, fitting
from mediate.scoring.jobs import job_of
from mediate.scoring.preparing import prepare
from mediate.scoring.score import score
from mediate.scoring.settling import settled
from mediate.scoring.spec import ScoreSpec
from mediate.showing import plural
from mediate.watch import tell

# How many items are measured for the pace, more and more of them while that takes no longer than so many seconds.
TRIED, PATIENCE = (2, 8, 32), 20.0
# A map that takes longer than this of one item, in seconds, is forecast and not tried.
LONG = 5.0


@dataclass(frozen=True, slots=True)
class Tried:
    """What measuring some items took.

    Args:
        items: How many.
        seconds: By the wall clock.
        passes: Blocks that were run, over the model's number of them.
        operations: Of matrix products with the blocks' weights.
        results: Bytes of the run directory, without a page.
        cache: Bytes that the cache would have kept.
        once: Of the seconds, those of drawing random weights and of putting back the model's own.
    """

    items: int
    seconds: float
    passes: float
    operations: float
    results: int
    cache: int
    once: float = 0.0


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a run would take.

    Args:
        noun: What an item is called.
        given: How many there are.
        ready: How many would be measured.
        left_out: How many would not, by reason.
        sample: Of how many this is known; all, unless the model must write their chains.
        tokens: The least, the median and the most tokens of question and chain.
        tried: What measuring some of them took.
        whole: The same of all of them, scaled.
        memory: The most bytes that the process held.
        maps: Forecasts of maps.
    """

    noun: str
    given: int
    ready: int
    left_out: dict[str, int]
    sample: int
    tokens: tuple[int, float, int]
    tried: Tried
    whole: Tried
    memory: int
    maps: tuple[Forecast, ...] = ()

    def lines(self) -> list[str]:
        """A line on each; what is scaled from some items says about."""
        of, out = "" if self.sample == self.given else f" of {self.sample} that were looked at", self.left_out
        told = f": {', '.join(f'{count} x {code}' for code, count in sorted(out.items()))}" if out else ""
        least, middle, most = self.tokens
        whole, tried = self.whole, self.tried
        return [
            f"{self.noun}s: {self.given:,}; {self.ready:,}{of} would be measured, {sum(out.values()):,} left out{told}",
            f"tokens of question and chain: {least:,} to {most:,}, median {middle:,.0f}",
            f"work: about {whole.passes:,.0f} passes, {whole.operations / 1e12:.3g} Tflop",
            f"time: about {duration(whole.seconds)} beside loading and the page ({plural(tried.items, self.noun)} "
            f"{'was' if tried.items == 1 else 'were'} measured in {duration(tried.seconds)})",
            f"memory: about {self.memory / 2**30:.2g} GiB at most, weights included",
            f"disk: about {_size(whole.results)} of results, {_size(whole.cache)} in the cache",
            *map(str, self.maps),
        ]


def dry_run(
    model: Model,
    pairs: Sequence[Pair] | Sequence[Item],
    spec: ScoreSpec,
    *,
    unread: Sequence[ItemError] = (),
    progress: bool = False,
) -> DryRun:
    """What scoring would take, of a set as `score` is given it.

    Args:
        model: The hooked and checked model.
        pairs: What would be measured.
        spec: How.
        unread: What could not be read.
        progress: Whether to say what was settled.

    Raises:
        InputError: As `score` would.
    """
    say = tell if progress else str
    check_set(pairs, unread, spec, (model.facts.name,))
    pairs = as_measured(pairs, spec.against, say, spec.limit)
    job = job_of(pairs, spec.against)
    spec = settled(model, pairs, fitting(pairs, spec), say)
    writes = spec.chains is None and any(item.cot is None for each in pairs for _, item in named_items(each))
    looked_at = spread(pairs, TRIED[-1] // 4) if writes else list(pairs)
    items, rejects = prepare(job.preparation, model, looked_at, spec, None, unread=unread)
    maps = job.preparation.maps(spec) if model.check(SWEPT).passed else ()
    forecasts = costs_of(model, items, maps, job.noun)
    long = {each.name for each in forecasts if each.cost.seconds > LONG * max(1, each.pairs)}
    short = tuple(str(each) for each in maps if str(each) not in long)
    tried, one_more = _tried(model, looked_at, items, spec.model_copy(update={"maps": short}) if long else spec)
    scale = len(pairs) / len(looked_at)
    whole, longer = _scaled(tried, scale * len(items)), [each for each in forecasts if each.name in long]
    drawn = min(spec.control_pairs, whole.items)
    whole = replace(
        whole,
        seconds=whole.seconds
        + drawn * (one_more.seconds - one_more.once)
        + one_more.once
        + scale * sum(each.cost.seconds for each in longer),
        passes=whole.passes + drawn * one_more.passes,
        operations=whole.operations
        + drawn * one_more.operations
        + scale * sum(each.cost.operations for each in longer),
        results=whole.results + drawn * one_more.results,
        cache=whole.cache + drawn * one_more.cache,
    )
    lengths = [len(item.tokens.whole) for item in items]
    return DryRun(
        job.noun,
        len(pairs) + len(unread),
        len(items),
        _reasons(rejects),
        len(looked_at) + len(unread),
        (min(lengths), float(median(lengths)), max(lengths)),
        tried[-1],
        whole,
        peak_bytes(model.device) + max((each.cost.memory for each in longer), default=0),
        forecasts,
    )


def spread(rows: Sequence[Any], count: int) -> list[Any]:
    """So many of some rows, evenly spread over them, the last one among them."""
    step = max(1.0, len(rows) / max(1, count))
    places = sorted({len(rows) - 1 - int(number * step) for number in range(min(count, len(rows)))})
    return [rows[place] for place in places]


def _reasons(rejects: Sequence[Reject]) -> dict[str, int]:
    return dict(Counter(each.code for each in rejects if each.part == "item"))


def _tried(model: Model, given: Sequence[Any], items: Sequence[Prepared], spec: ScoreSpec) -> tuple[list[Tried], Tried]:
    """More and more items measured, without controls; and what controls of one item take beside."""
    by_length = sorted(items, key=lambda item: len(item.tokens.whole))
    bare, found = spec.model_copy(update={"control_pairs": 0}), list[Tried]()
    for count in TRIED:
        ids = {item.id for item in spread(by_length, count)}
        found.append(_try(model, [each for each in given if each.id in ids], bare))
        if len(ids) == len(items) or found[-1].seconds * 4 > PATIENCE:
            break
    one = [each for each in given if each.id == by_length[len(by_length) // 2].id]
    if not spec.control_pairs:
        return found, Tried(1, 0.0, 0.0, 0.0, 0, 0)
    # What is done for the first time takes longer; of a large model that is not worth doing twice.
    counts = (1, 0, 1) if found[-1].seconds < PATIENCE / 4 else (0, 1)
    *_, alone, controlled = (_try(model, one, spec.model_copy(update={"control_pairs": count})) for count in counts)
    # One by itself tells, beside two, how many bytes a directory has without any.
    return [alone, *found] if len(found) == 1 else found, Tried(
        1,
        max(controlled.once, controlled.seconds - alone.seconds),
        controlled.passes - alone.passes,
        controlled.operations - alone.operations,
        max(0, controlled.results - alone.results),
        max(0, controlled.cache - alone.cache),
        controlled.once,
    )


def _scaled(tried: Sequence[Tried], times: float) -> Tried:
    """What so many items take: what each more of them took and, of files, what there is of them without any item."""
    last = tried[-1]
    ratio = times / last.items
    fixed = begun = 0.0
    if len(tried) > 1 and last.items > tried[-2].items:
        more = last.items - tried[-2].items
        fixed = max(0.0, last.results - (last.results - tried[-2].results) / more * last.items)
        # The first of all trials does much for the first time; what it took does not tell what an item takes. On a busy
        # machine two trials may take as long: then half of the time is still the items'.
        if len(tried) > 2:
            rest = last.seconds - (last.seconds - tried[-2].seconds) / more * last.items
            begun = min(last.seconds / 2, max(0.0, rest))
    return Tried(
        items=round(times),
        seconds=begun + (last.seconds - begun) * ratio,
        passes=last.passes * ratio,
        operations=last.operations * ratio,
        results=round(fixed + (last.results - fixed) * ratio),
        cache=round(last.cache * ratio),
    )


def _try(model: Model, some: Sequence[Any], spec: ScoreSpec) -> Tried:
    with (
        tempfile.TemporaryDirectory(prefix="mediate-dry-") as folder,
        _counting(model) as counts,
        unnoted(),
        timed() as clock,
    ):
        place, since = Path(folder), time.perf_counter()
        score(model, some, spec, out=place / "run", store=Store(place / "cache"))
        seconds = time.perf_counter() - since
        results, cache = _bytes_below(place / "run"), _bytes_below(place / "cache")
    blocks, tokens = counts
    passes, operations = blocks / model.facts.layers, 2.0 * block_weights(model) * tokens
    drawing = clock.stages.get(DRAWING)
    return Tried(len(some), seconds, passes, operations, results, cache, drawing.wall if drawing else 0.0)


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextmanager
def _counting(model: Model) -> Iterator[list[int]]:
    """While open, counts how many blocks are run, and on how many tokens."""
    counts = [0, 0]

    def count(module: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        states = given[0] if given else named["hidden_states"]
        counts[0] += 1
        counts[1] += states.shape[0] * states.shape[1]

    with ExitStack() as hooks:
        for block in model.bridge.blocks:
            hook = block.original_component.register_forward_pre_hook(count, with_kwargs=True)
            hooks.callback(hook.remove)
        yield counts


def _size(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
