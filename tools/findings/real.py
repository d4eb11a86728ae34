"""SmolLM2 on problems with given chains, and before and after LoRA."""

from dataclasses import replace
from pathlib import Path

import mediate
from mediate.models.prompts import Style
from mediate.report.words import share_words
from tools.findings.finding import SEED, Finding, basis, markdown, name_of, nats, run_of

MODEL = "smollm2-135m-instruct"
APPLES, SHARES = 5, ("direct", "text", "latent", "mediated")
MEASURED, KNOWN, STEPS = 40, 300, 150
BEFORE, ARMS = "lora-before", {"lora": "chain and answer", "answer-only": "the answer alone"}


def make_apples(folder: Path) -> None:
    """Five problems of two steps, chains given, each a group of its own."""
    pairs = mediate.generate_pairs(APPLES, steps=2, templates=("apples",), seed=SEED, with_cot=True)
    pairs = tuple(replace(pair, group=pair.id) for pair in pairs)
    model = mediate.load(mediate.fetch(MODEL))
    mediate.score(model, pairs, out=folder / "apples", maps=[], control_pairs=0, seed=SEED, store=False)


def apples(folder: Path) -> str:
    """The total effect and the shares."""
    run = run_of(folder / "apples")
    shares, te = run.shares(), run.effects()["te"]
    row = [name_of(run), nats(te), *(share_words(shares[name], 1) for name in SHARES)]
    return f"{markdown(('model', 'TE (nats)', *SHARES), [row])}\n\n{basis([run], [shares['mediated']])}"


def make_lora(folder: Path) -> None:
    """Two fine-tunings, and the model before and after them on other problems than it was tuned on."""
    template = mediate.Template(Style.COMPLETION, mediate.few_shot_prompt(seed=SEED, shots=2), "two worked examples")
    measured = problems(MEASURED, SEED)
    held_out = {item.question for pair in measured for item in (pair.base, pair.source)}
    known = [pair for pair in problems(KNOWN, SEED + 1) if not held_out & {pair.base.question, pair.source.question}]
    start = mediate.fetch(MODEL)
    sources: dict[str, Path] = {BEFORE: start}
    for arm in ARMS:
        sources[arm] = mediate.tune(
            start,
            known,
            out=folder / "tuned" / arm,
            arm=arm,
            steps=STEPS,
            batch_size=4,
            ask=0,
            template=template,
            seed=SEED,
        ).folder
    for name, source in sources.items():
        model = mediate.load(source)
        mediate.score(model, measured, out=folder / name, template=template, maps=[], control_pairs=0, seed=SEED)
        del model


def problems(n: int, seed: int) -> list[mediate.Pair]:
    """Problems of two steps, whose chains begin with a space, as in the worked examples."""
    made = mediate.generate_pairs(n, steps=2, seed=seed, with_cot=True)
    spaced = [[replace(each, cot=f" {each.cot}") for each in (pair.base, pair.source)] for pair in made]
    return [replace(pair, base=base, source=source) for pair, (base, source) in zip(made, spaced, strict=True)]


def lora(folder: Path) -> str:
    """TE and mediated share of each, and how TIE changed, paired on the items."""
    runs = [run_of(folder / name) for name in (BEFORE, *ARMS)]
    compared = mediate.compare(runs, labels=["before", *ARMS]).compared
    changes = {
        each.run: each.estimate
        for each in compared.differences
        if (each.outcome, each.quantity) == (compared.outcomes[0], "tie")
    }
    rows, told = [], []
    for label, words, run in zip(("before", *ARMS), ("nothing", *ARMS.values()), runs, strict=True):
        share = run.shares()["mediated"]
        told.append(share)
        change = nats(changes[label]) if label in changes else ""
        rows.append([words, nats(run.effects()["te"]), share_words(share, 1), change])
    head = ("tuned on", "TE (nats)", "mediated", "TIE less before (nats, paired)")
    method = next(iter(changes.values())).method
    more = f"{name_of(runs[0])}, {STEPS} steps of 4 problems; changes: {method}."
    return f"{markdown(head, rows)}\n\n{basis(runs, told, more)}"


GIVEN_CHAINS = Finding("apples", make_apples, apples, minutes=1)
LORA = Finding("lora", make_lora, lora, minutes=45)
