"""The recipes of the reference reasoners, one for each ladder."""

from mediate.models.shipped import MODULAR_LADDER, After
from mediate.reference.card import CARD, card
from mediate.reference.diet import DIETS, Batches
from mediate.reference.exam import examine
from mediate.reference.marks import MARKS
from mediate.reference.recipe import Recipe, Schedule
from mediate.reference.worded import WORDED_RECIPE

# Larger rungs learn from fewer problems, and each costs them more time.
FROM_SCRATCH = {
    "0.1m": Schedule(5000, 64, 4e-3),
    "0.3m": Schedule(3000, 64, 3e-3),
    "1.2m": Schedule(1500, 64, 2e-3),
    "4m": Schedule(1000, 64, 1.5e-3),
}
AFTERWARDS = {
    "0.1m": Schedule(800, 64, 1e-3),
    "0.3m": Schedule(500, 64, 1e-3),
    "1.2m": Schedule(400, 64, 1e-3),
    "4m": Schedule(300, 64, 7e-4),
}

MODULAR_RECIPE = Recipe(
    ladder=MODULAR_LADDER,
    diets=DIETS,
    schedules={After.BASE: FROM_SCRATCH, After.DECORATIVE: AFTERWARDS, After.NEEDED: AFTERWARDS},
    batches=lambda diet, tokenizer, schedule, seed: Batches(diet, tokenizer, schedule.steps, schedule.rows, seed),
    examine=lambda model, n, seed: examine(model, n=n, seed=seed),
    card=card,
    files=(MARKS, CARD),
)
RECIPES = (MODULAR_RECIPE, WORDED_RECIPE)
