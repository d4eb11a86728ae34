"""Worked examples before every question: of a file, but none that is measured, or built-in word problems.

Imports no torch.
"""

from collections.abc import Callable, Collection, Sequence

from mediate.errors import InputError
from mediate.models.prompts import HOLE, Style, Template, few_shot
from mediate.pairs.item import Item
from mediate.showing import plural
from mediate.tasks.problems import few_shot_prompt

NAMED = "few-shot"
# How many ids of examples a line names.
_TOLD = 8


def is_few_shot(template: Template) -> bool:
    """Whether a template is of worked examples, after which a chain ends at a blank line or the next question."""
    return template.style is Style.COMPLETION and template.name.partition(" ")[0] == NAMED


def built_in_examples(count: int, say: Callable[[str], object]) -> Template:
    """So many worked word problems; their people and things are in no built-in problem.

    Args:
        count: How many.
        say: Takes one line on what they are.
    """
    say(f"{NAMED}: {count} worked word problems, built in and the same in every run (--examples FILE for others)")
    if few_shot().text.count("Q:") == count + 1:
        return few_shot()
    return Template(Style.COMPLETION, few_shot_prompt(shots=count, steps=3), f"{NAMED} {count}")


def examples_of(
    items: Sequence[Item], count: int, measured: Collection[str], cue: str, say: Callable[[str], object]
) -> Template:
    """The first so many items that have a chain and an answer, and whose question is none that is measured.

    Args:
        items: Of the file.
        count: How many.
        measured: The questions that are measured.
        cue: What stands between a chain and its answer.
        say: Takes one line, with the ids of those that were taken.

    Raises:
        InputError: There are not as many.
    """
    asked = {each.strip() for each in measured}
    worked = [each for each in items if each.cot and each.answer]
    free = [each for each in worked if each.question.strip() not in asked]
    if len(free) < count:
        raise InputError(
            f"examples: {len(free)} of {plural(len(items), 'item')} can be worked examples ({len(items) - len(worked)} "
            f"have no chain or no answer, {len(worked) - len(free)} are measured themselves), and --few-shot asks for "
            f"{count}; give another file, fewer examples, or a --limit that leaves some over"
        )
    taken = free[:count]
    named = ", ".join(each.id or "?" for each in taken[:_TOLD]) + (", ..." if count > _TOLD else "")
    say(f"{NAMED}: {plural(count, 'worked example')}, none of them measured: {named}")
    shown = [f"Q: {each.question}\nA: {(each.cot or '').strip()}{cue} {each.answer}\n" for each in taken]
    if any(HOLE in each for each in shown):
        raise InputError(f"examples: one holds {HOLE}, which stands for the question that is asked; give others")
    return Template(Style.COMPLETION, "\n".join([*shown, f"Q: {HOLE}\nA:"]), f"{NAMED} {count} of a file")
