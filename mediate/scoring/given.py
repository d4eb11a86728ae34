"""What is wrong with a run before its model is there: its pairs, its directory. Imports no torch."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

from mediate.errors import InputError, ItemError
from mediate.mediation.names import USUAL, USUAL_OF_ONE, check_answers, check_twinless, parse_map
from mediate.mediation.presets import without_presets
from mediate.models.shipped import LADDERS
from mediate.pairs.pair import Item, Pair
from mediate.results.replacements import ALL
from mediate.scoring.spec import ScoreSpec, pairs_fingerprint
from mediate.showing import plural

Given = TypeVar("Given", bound=Sequence[Any])
_DEVICE = re.compile(r"(cpu|cuda|mps|xpu)(:[0-9]+)?")


def check_set(
    pairs: Sequence[Pair] | Sequence[Item], unread: Sequence[ItemError], spec: ScoreSpec, models: Sequence[str] = ()
) -> None:
    """Refuses a set of pairs before anything is made of it.

    Args:
        pairs: What is to be measured.
        unread: What could not be read.
        spec: How.
        models: The names of the models that it is to be measured on, where these are known.

    Raises:
        ItemError: Unless bad items are skipped, the first pair that could not be read; or an id that occurs twice.
        InputError: No pairs, or pairs that speak of the training of other models.
    """
    stopping = next((error for error in unread if spec.stops_at(error)), None)
    if stopping is not None:
        raise stopping
    if not pairs:
        raise InputError(
            "no pairs or items to measure"
            + (f"; all {len(unread)} were left out, such as {unread[0]}" if unread else "")
        )
    first = next((name for name, count in Counter(pair.id for pair in pairs).items() if count > 1), None)
    if first is not None:
        reason = "the id occurs more than once" if first else "several items have no id"
        raise ItemError(first, f"{reason}; give each its own", code="duplicate_id")
    for model in models:
        check_training(pairs, model)


def check_training(given: Sequence[Pair] | Sequence[Item], model: str) -> None:
    """Refuses pairs that speak of the training of models of which this one is none.

    Args:
        given: Pairs or items by themselves.
        model: Its name, without any folder.

    Raises:
        InputError: A pair names a family of reference reasoners, and the model is none of it as it was trained.
    """
    ladders = {ladder.family: ladder.names for ladder in LADDERS}
    for each in given:
        family = each.training if isinstance(each, Pair) else ""
        if not family or model.lower() in ladders.get(family, ()):
            continue
        if family not in ladders:
            raise InputError(f"item {each.id!r}: no family {family!r}; its 'training' can be {' or '.join(ladders)}")
        what = "what else this one was trained on" if "+" in model else "what this one was trained on"
        raise InputError(
            f"model {model!r}: item {each.id!r} is {each.condition or 'one'!r} of the training of {family} reference "
            f"reasoners, and {what} is not known; take one of these, such as {ladders[family][0]}, or other pairs"
        )


def are_items(given: Sequence[Pair] | Sequence[Item]) -> bool:
    """Whether items by themselves are given, rather than pairs.

    Raises:
        InputError: Both are.
    """
    kinds = {isinstance(each, Item) for each in given}
    if len(kinds) > 1:
        raise InputError("pairs and items by themselves in one run; their shares are different quantities, so run each")
    return True in kinds


def fitting(given: Sequence[Pair] | Sequence[Item], spec: ScoreSpec) -> ScoreSpec:
    """The choices of a run with outcomes and maps that what is given has.

    The usual outcomes of pairs stand for the usual ones, and a preset for its maps.

    Raises:
        InputError: An outcome, a map or another choice that items by themselves, or pairs, cannot have.
    """
    items = are_items(given)
    if items:
        check_against(spec.against)
    if items and spec.outcomes == USUAL:
        spec = spec.model_copy(update={"outcomes": USUAL_OF_ONE})
    check_answers(spec.outcomes, 1 if items else 2)
    if not items and (spec.answer != "given" or spec.bridge != "auto"):
        name = "--answer own" if spec.answer != "given" else f"--bridge {spec.bridge}"
        raise InputError(f"{name} is of items by themselves; a pair has its two answers after the cue, so leave it out")
    if items and spec.chains is not None:
        raise InputError("--chains takes another run's chains of pairs; give items with their chains (cot)")
    if spec.maps is not None:
        spec = spec.model_copy(update={"maps": without_presets(spec.maps, items=items)})
    for name in (spec.maps or ()) if items else ():
        check_twinless(parse_map(name))
    if spec.replacements and not items:
        raise InputError("--replacements are of items by themselves; a pair's chain is held against its twin's")
    if spec.replacements is None:
        spec = spec.model_copy(update={"replacements": ALL if items else ()})
    return spec


def limited(given: Given, limit: int | None, say: Callable[[str], object]) -> Given:
    """The first so many pairs or items; all of them where there is no limit.

    Args:
        given: Pairs or items.
        limit: How many.
        say: Takes one line, where some are left away.
    """
    if limit is None or limit >= len(given):
        return given
    say(f"limit: the first {limit:,} of {len(given):,} are measured (--limit)")
    return cast(Given, given[:limit])


def as_measured(
    given: Sequence[Pair] | Sequence[Item],
    against: str | None,
    say: Callable[[str], object],
    limit: int | None = None,
) -> Sequence[Pair] | Sequence[Item]:
    """The first of what is given; where pairs are held against something else than their twins, their bases as items.

    A base has its pair's id, group and condition.

    Args:
        given: Pairs or items by themselves.
        against: What they are to be held against; None for what goes without saying.
        say: Takes one line, where bases are measured, or not all that is given.
        limit: How many of them are measured at most.

    Raises:
        InputError: Pairs and items by themselves are mixed.
    """
    given = limited(given, limit, say)
    if against in (None, "twin") or are_items(given):
        return given
    pairs = [each for each in given if isinstance(each, Pair)]
    say(f"{plural(len(pairs), 'pair')}: their bases are measured, as items by themselves (--against {against})")
    return tuple(_base_of(pair) for pair in pairs)


def _base_of(pair: Pair) -> Item:
    return replace(
        pair.base,
        id=pair.id,
        group=pair.group,
        place=pair.place,
        condition=pair.condition,
        answer=pair.base.answer.strip(),
    )


def check_against(against: str | None) -> None:
    """Raises InputError where items by themselves cannot be held against what is asked for, with what to do.

    Args:
        against: What is asked for; None for what goes without saying.
    """
    if against == "twin":
        raise InputError(
            "--against twin: items by themselves have no twin; make pairs of them (mediate pairs from FILE), or hold "
            "them against hidden or other"
        )


# By the code of what was left out: what else to try.
_REMEDIES = {
    "endless_cot": "let it write more (--max-new-tokens), name what ends a chain (--stop), or try another --template",
    "no_cot": "try another --template, such as chat or few-shot",
    "not_solved": "leave out --solved-only, or try another --template or model",
    "unknown_words": "give pairs in words that the model has, or another model",
    "too_long": "give shorter questions and chains, or a model of a longer context",
    "out_of_memory": "give shorter chains, a smaller --dtype or another --device",
    "nonfinite": "try another --dtype",
    "no_other": "give more items or other groups",
}


def nothing_left(left_out: Sequence[tuple[str, str, str]], noun: str = "pair") -> str:
    """One line on a run of which no item is left.

    Args:
        left_out: The id, code and reason of each item.
        noun: What one of them is called.
    """
    counts = Counter(code for _, code, _ in left_out)
    told = ", ".join(f"{count} x {code}" for code, count in counts.most_common())
    often = counts.most_common(1)[0][0]
    item, reason = next((item, reason) for item, code, reason in left_out if code == often)
    remedy = f"; {_REMEDIES[often]}" if often in _REMEDIES else ""
    return (
        f"nothing is left to measure of {plural(len(left_out), noun)}: {told}{remedy} (such as item {item!r}: {reason})"
    )


def check_out(out: Path, spec: ScoreSpec, described: Mapping[str, Any], pairs: Sequence[Pair] | Sequence[Item]) -> None:
    """Refuses a directory that holds something else than this run, as far as can be seen before the model is there.

    Args:
        out: The run directory.
        spec: The choices of the run, some of which may still be open.
        described: The same as its manifest has them.
        pairs: What is to be measured.

    Raises:
        InputError: As `mediate.scoring.rundir.check_free`.
    """
    from mediate.scoring.rundir import check_same, held_run

    found = held_run(out)
    if found is not None:
        stored = found.get("spec")
        settled = {key: stored[key] for key in spec.left_open if isinstance(stored, Mapping) and key in stored}
        check_same(out, found, {"spec": dict(described) | settled, "pairs": pairs_fingerprint(pairs)})


def check_device(device: str | None) -> None:
    """Raises InputError where a device's name is none that torch has."""
    if device is not None and not _DEVICE.fullmatch(device):
        raise InputError(f"device {device!r}: give cpu, cuda, cuda:1 and so on, mps or xpu, or leave it out")
