"""The demos: reference reasoners over sizes, before and after fine-tuning; and the main job on a real model."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mediate.beside import Beside
from mediate.clock import stage
from mediate.models.fetch import fetch
from mediate.models.prompts import Style, Template
from mediate.models.shipped import RUNGS, After
from mediate.models.threads import one_thread
from mediate.passes.loaded import load
from mediate.passes.store import Store
from mediate.reference.marks import Mark, Way, read_marks
from mediate.report import Scores, compare, write_report
from mediate.report.family import Family, Member, write_family
from mediate.report.uncopied import Uncopied
from mediate.results import Results
from mediate.scoring.rundir import holding
from mediate.scoring.score import Call, score
from mediate.scoring.spec import make_spec
from mediate.showing import plural
from mediate.tasks import Hint, few_shot_prompt, generate_pairs, modular_pairs
from mediate.traces.trace import encode

MODEL = "smollm2-135m-instruct"
# A model of this size copies the worked examples' operations, and answers few problems that need others.
OPERATIONS = "++"
TEMPLATES = ("apples", "shelf")
SHOTS = 6
# Fewer pairs would tell little of a control, and one nothing.
CONTROLLED = 8
PAIRS = 28
LADDER_PAIRS = 40
LONGEST = 5
# Which size is looked at where nothing can be copied, and how many of its questions are held against hiding: enough
# for an interval, and few enough that the demo takes no longer for them.
CLOSER, ALONE_PAIRS = 1, 12


def run_ladder(
    out: Path, *, pairs: int, seed: int, say: Callable[[str], None], other: Beside, takeover: bool = False
) -> tuple[Path, Family]:
    """Scores every reference reasoner on the same pairs and chains, and compares sizes and afters on one page.

    The hints are the answers, so that each question can be answered with its chain and without.

    Args:
        out: The folder of the page, with a folder for each run and each comparison.
        pairs: How many pairs.
        seed: Of the problems and the bootstrap.
        say: Where a line on each stage goes.
        other: The process that writes the pages, which takes about as long as the measuring.
        takeover: Whether directories of runs are taken over from a process on another machine.
    """
    made, known = modular_pairs(pairs, seed=seed, hint=Hint.ANSWER), read_marks()
    say(f"pairs: {plural(len(made), 'chain')} of arithmetic modulo 10, 2 to 5 steps, given to every model")
    spec = make_spec(maps=("read:step,layer",), seed=seed)
    members, afters, pages, uncopied = [], [], [], []
    call = Call(progress=True, takeover=takeover)
    alone = [replace(pair.base, id=pair.id, group=pair.group) for pair in made[:ALONE_PAIRS]]
    # Models of this size are no quicker on more threads, and the pages take the other core.
    with one_thread():
        for rung in RUNGS:
            for after in After:
                name = rung.name(after)
                # What the controls say of a base holds for what was tuned from it, and they take as long as the rest.
                how = make_spec(spec, control_pairs=_controlled(pairs) if after is After.BASE else 0)
                model, closer = load(name), rung is RUNGS[CLOSER]
                if closer and after is After.BASE:
                    how = make_spec(how, maps=(*(how.maps or ()), "step_graph.read:step,result"))
                results = score(model, made, how, **(call | {"out": out / name}))
                if closer:
                    least = make_spec(seed=seed, control_pairs=0, replacements="none", outcomes=("logit",))
                    hidden = score(model, alone, least, **(call | {"out": out / f"{name}-hidden"}))
                    uncopied.append(Uncopied(name, Scores(results, out / name), Scores(hidden)))
                pages.append(other.call(write_report, out / name, ("svg",)))
                members.append(Member(name, after, Scores(results, out / name), _marks(known[name])))
                say(f"{name}: scored")
                if rung is RUNGS[-1] and after is After.BASE:
                    bases = [each.scores.folder for each in members if each.state == After.BASE]
                    sizes = other.call(compare, *bases, out=out / "sizes")
            states = [each.scores.folder for each in members[-len(After) :]]
            afters.append(other.call(compare, *states, out=out / f"after-{rung.size}"))
    other.share()
    with stage("waiting for pages"):
        for page in pages:
            page.result()
        compared = sizes.result(), tuple(each.result() for each in afters)
        family = Family(tuple(members), *compared, tuple(uncopied))
        return other.call(write_family, out, family).result(), family


def _controlled(pairs: int) -> int:
    """On how many pairs the controls are run: on enough to tell something, or on none."""
    return CONTROLLED if pairs >= CONTROLLED else 0


def _marks(marks: Sequence[Mark]) -> tuple[tuple[str, str], ...]:
    """Accuracy on held-out problems of 5 steps with random hints, as the card has it."""
    longest = {mark.way: mark for mark in marks if (mark.hint, mark.steps) == (Hint.RANDOM, LONGEST)}
    told = {Way.OWN_CHAIN: "right with own chain", Way.NO_CHAIN: "right without"}
    return tuple(
        (f"{words}, {LONGEST} steps", f"{100 * longest[way].right / longest[way].n:.0f} %")
        for way, words in told.items()
    )


def run_demo(out: Path, *, pairs: int, seed: int, say: Callable[[str], None], takeover: bool = False) -> Results:
    """Makes pairs, lets the model solve them with worked examples before it, and measures those that it solves.

    Args:
        out: The run directory.
        pairs: How many pairs to try.
        seed: Of the problems and the bootstrap.
        say: Where a line on each stage goes.
        takeover: Whether the directory is taken over from a process on another machine.
    """
    with holding(out, takeover=takeover):
        return _demonstrated(out, pairs, seed, say)


def _demonstrated(out: Path, pairs: int, seed: int, say: Callable[[str], None]) -> Results:
    say(f"model: {MODEL} (fetched and converted on the first run)")
    fetch(MODEL)
    model = load(MODEL)
    tokenizer = model.need_tokenizer()
    made = generate_pairs(
        pairs,
        steps=OPERATIONS,
        templates=TEMPLATES,
        seed=seed,
        length=lambda text: len(encode(tokenizer, text)),
        with_cot=False,
    )
    say(
        f"pairs: {plural(len(made), 'word problem')} of {len(OPERATIONS)} steps, each with one number changed in its "
        "source world"
    )
    spec = make_spec(
        template=Template(
            Style.COMPLETION,
            few_shot_prompt(seed=seed, shots=SHOTS, steps=OPERATIONS, templates=TEMPLATES),
            f"{SHOTS} worked examples",
        ),
        stop=("\n\n", "Q:"),
        max_new_tokens=64,
        solved_only=True,
        control_pairs=_controlled(pairs),
        seed=seed,
    )
    # Every problem is an independent draw, so each is a group of its own.
    return score(model, [replace(pair, group=pair.id) for pair in made], spec, out=out, store=Store(), progress=True)
