"""Shapley values over the steps of a chain: what each step adds, whatever the order in which steps are switched.

The game: v(S) is the outcome when the readers, reading the base question, find the base run's keys and values at the
steps in S and the source run's at all others. v(all) = Y[1,1,1] and v(none) = Y[1,0,0], so the values of a chain's
steps sum to TIE. Single read effects miss steps that say the same thing twice, because each hides the other; their
Shapley values share it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import comb

import numpy as np
from jaxtyping import Float

from mediate.errors import InputError
from mediate.mediation.alignment import check_aligned
from mediate.mediation.cells import Cell
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.cube import Contexts
from mediate.mediation.kinds.knockout import knockout_effects
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.outcomes import Outcome
from mediate.models.model import Model

# Up to here all subsets are run; their number doubles with each step.
MOST_EXACT = 8
FEWEST_PERMUTATIONS = 16

Game = Callable[[Sequence[frozenset[int]]], Float[np.ndarray, " subset"]]


@dataclass(frozen=True, slots=True, eq=False)
class StepShapley:
    """Shapley values of a chain's steps.

    Args:
        values: In nats; they sum to v(all) - v(none).
        standard_errors: Of each value over permutations; 0 where all subsets were run.
        permutations: How many were drawn; 0 where all subsets were run.
        subsets: How many subsets were run.
    """

    values: Float[np.ndarray, " step"]
    standard_errors: Float[np.ndarray, " step"]
    permutations: int
    subsets: int


def step_shapley(
    model: Model,
    contexts: Contexts,
    outcome: Outcome,
    *,
    tolerance: float = 0.05,
    most: int = 512,
    seed: int = 0,
) -> StepShapley:
    """Shapley values of the base chain's steps: exact up to eight steps, by permutation sampling beyond.

    Args:
        model: The hooked model.
        contexts: From `run_contexts`.
        outcome: What to read off.
        tolerance: Sampling stops when every value's standard error is at most this share of |v(all) - v(none)|.
        most: The most permutations that are drawn.
        seed: Of the permutations.

    Raises:
        InputError: A tolerance or number of permutations that makes no sense.
        ItemError: The chains cannot be aligned.
    """
    steps = swapped_steps(model, contexts, outcome)
    return shapley_values(*steps, tolerance=tolerance, most=most, seed=seed)


def swapped_steps(model: Model, contexts: Contexts, outcome: Outcome) -> tuple[Game, int]:
    """The base chain's steps: the readers find the source's keys and values in place of one that is missing.

    Raises:
        ItemError: The chains cannot be aligned.
    """
    check_aligned(contexts.pair)
    return _without_steps(model, contexts.pair, lambda cells: read_effects(model, contexts, cells, outcome))


def hidden_steps(model: Model, item: Encoded, outcome: Outcome) -> tuple[Game, int]:
    """A chain's steps: the readers cannot attend to one that is missing.

    So v(none) is with the whole chain hidden, and the Shapley values sum to the chain's necessity.
    """
    return _without_steps(model, item, lambda cells: knockout_effects(model, item, cells, [outcome])[0])


def _without_steps(
    model: Model, item: Encoded, lost: Callable[[Sequence[Cell]], Float[np.ndarray, " cell"]]
) -> tuple[Game, int]:
    """The game of a chain's steps, from what is lost where those that are missing are taken away, and how many play."""
    spans = item.trace.step_spans
    layers = tuple(range(model.facts.layers))

    def game(subsets: Sequence[frozenset[int]]) -> Float[np.ndarray, " subset"]:
        """v(S) - v(all) of each subset: the effect, with its sign turned, of all steps that are not in it."""
        missing = [
            tuple(place for step, span in enumerate(spans) if step not in subset for place in range(*span))
            for subset in subsets
        ]
        run = [place for place, positions in enumerate(missing) if positions]
        found = np.zeros(len(subsets))
        if run:
            found[run] = -lost([Cell(missing[place], layers) for place in run])
        return found

    return game, len(spans)


def shapley_values(
    game: Game, players: int, *, tolerance: float = 0.05, most: int = 512, seed: int = 0, most_exact: int = MOST_EXACT
) -> StepShapley:
    """Shapley values of a game of some players.

    Exact: sum over S without i of |S|! (n - |S| - 1)! / n! (v(S + i) - v(S)) (Shapley 1953). Sampled: the mean marginal
    contribution over permutations, each drawn with its reverse (Castro, Gomez and Tejada 2009; Mitchell et al. 2022),
    until the standard error of every player's mean over such pairs is small enough.

    Args:
        game: v of each of some subsets; a constant in v does not matter.
        players: How many there are.
        tolerance: See `step_shapley`.
        most: The most permutations.
        seed: Of the permutations.
        most_exact: Up to how many players all subsets are run.
    """
    if not tolerance > 0 or most < FEWEST_PERMUTATIONS or players < 1:
        raise InputError(
            f"{players} players, tolerance {tolerance}, {most} permutations; give at least 1 player, a tolerance above "
            f"0 and at least {FEWEST_PERMUTATIONS} permutations"
        )
    if players <= most_exact:
        return _exact(game, players)
    generator = np.random.default_rng(seed)
    known: dict[frozenset[int], float] = {}
    pairs: list[Float[np.ndarray, " step"]] = []
    errors = np.full(players, np.inf)
    while 2 * len(pairs) < most:
        order = generator.permutation(players).tolist()
        pairs.append((_marginal(game, order, known) + _marginal(game, order[::-1], known)) / 2)
        if 2 * len(pairs) < FEWEST_PERMUTATIONS:
            continue
        errors = np.std(pairs, axis=0, ddof=1) / np.sqrt(len(pairs))
        total = abs(known[frozenset(range(players))] - known[frozenset()])
        if (errors <= tolerance * total).all():
            break
    return StepShapley(np.mean(pairs, axis=0), errors, 2 * len(pairs), len(known))


def _exact(game: Game, players: int) -> StepShapley:
    subsets = [
        frozenset(player for player, there in enumerate(bits) if there) for bits in product((0, 1), repeat=players)
    ]
    v = dict(zip(subsets, game(subsets), strict=True))
    values = np.zeros(players)
    for player in range(players):
        for subset in subsets:
            if player not in subset:
                weight = 1 / (players * comb(players - 1, len(subset)))
                values[player] += weight * (v[subset | {player}] - v[subset])
    return StepShapley(values, np.zeros(players), 0, len(subsets))


def _marginal(game: Game, order: Sequence[int], known: dict[frozenset[int], float]) -> Float[np.ndarray, " step"]:
    """What each player adds when players join in this order."""
    joined = [frozenset(int(player) for player in order[:count]) for count in range(len(order) + 1)]
    new = [subset for subset in dict.fromkeys(joined) if subset not in known]
    if new:
        known.update(zip(new, game(new).tolist(), strict=True))
    gains = np.zeros(len(order))
    for place, player in enumerate(order):
        gains[player] = known[joined[place + 1]] - known[joined[place]]
    return gains
