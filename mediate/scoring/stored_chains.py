"""Chains out of a finished run, so that one model reads what another wrote."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediate.errors import InputError, ItemError
from mediate.models.prompts import Template, described_template
from mediate.pairs.answers import same_answer
from mediate.pairs.pair import Pair, World, in_worlds
from mediate.results.told import Measured
from mediate.traces.trace import Trace, given_trace


@dataclass(frozen=True, slots=True)
class StoredChains:
    """The chains of a run that one model wrote.

    Args:
        run: The run directory's name, for messages.
        name: What to call the model that wrote them.
        fingerprint: Of that model.
        tokenizer: Of its tokenizer, as a fingerprint.
        items: By their ids, those with chains.
        absent: Why an item that the run knows has none, by its id.
        left_out: Ids of items that were left out there, for what the model wrote.
        template: How the questions were put to it.
    """

    run: str
    name: str
    fingerprint: str
    tokenizer: str
    items: Mapping[str, Measured]
    absent: Mapping[str, str]
    left_out: frozenset[str] = frozenset()
    template: Template | None = None

    def described(self) -> dict[str, Any]:
        """The writer, and a sha256 over all chains with their questions and answers, as plain values for a manifest."""
        content = {
            name: [[item[world].question, item[world].answer, "".join(item[world].tokens)] for world in World]
            for name, item in self.items.items()
        }
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
        return {"name": self.name, "fingerprint": self.fingerprint, "tokenizer": self.tokenizer, "sha256": digest}

    def traces(self, pair: Pair, tokenizer: Any) -> tuple[Trace, Trace]:
        """The source's and the base's chain of a pair, in the tokens of `tokenizer`.

        The text is taken and tokenised anew: where the writer's own tokens were others, they are not kept. The pair's
        answers are that run's by value; they may be spelt otherwise.

        Raises:
            ItemError: The run has no chain of the pair, or one of another pair of that id; the pair brings its own; or
                the text does not come back from the tokenizer as it was.
        """
        if pair.base.cot is not None or pair.source.cot is not None:
            raise _bad(pair, "two_chains", "it has a CoT of its own, and another in that run; give one")
        known = self.items.get(pair.id)
        if known is None:
            why = self.absent.get(pair.id, "it is not among that run's items")
            reason = f"run {self.run!r} has no written chains of it: {why}; leave it out (skip)"
            raise _bad(pair, "no_chain", reason, written=pair.id in self.left_out)
        for world in World:
            told, item = known[world], pair[world]
            if told.question != item.question or not same_answer(told.answer, item.answer):
                raise _bad(
                    pair,
                    "other_content",
                    f"run {self.run!r} has another question or answer of that id; score these pairs",
                )
        return in_worlds(lambda world: _retold(pair, "".join(known[world].tokens), tokenizer))

    def retokenised(self, item: str, traces: tuple[Trace, Trace]) -> int:
        """How many of an item's two chains have other tokens here than where they were written."""
        return sum(self.items[item][world].tokens != traces[world].tokens for world in World)


def _bad(pair: Pair, code: str, reason: str, *, written: bool = False) -> ItemError:
    return ItemError(pair.id, reason, place=pair.place, code=code, written=written)


def _retold(pair: Pair, text: str, tokenizer: Any) -> Trace:
    trace = given_trace(text, tokenizer)
    if trace.text != text:
        reason = "its chain does not come back from this model's tokenizer as it was written; leave it out (skip)"
        raise _bad(pair, "not_encodable", reason, written=True)
    return trace


def read_chains(folder: str | Path) -> StoredChains:
    """The chains that the model of a run wrote, or that it took from the run of another.

    Raises:
        InputError: The folder is no finished run, or no model wrote its chains.
    """
    from mediate.results.folder import read_results

    folder = Path(folder)
    results = read_results(folder)
    taken = results.manifest.get("writer")
    writer = taken if isinstance(taken, Mapping) else results.manifest.get("model", {})
    usable = {item.id: item for item in results.items if isinstance(taken, Mapping) or item.written}
    if not usable:
        if results.items:
            raise InputError(
                f"{folder}: no model wrote its chains; put the CoT of its pairs into the pairs file instead"
            )
        raise InputError(f"{folder}: the run measured no item, so it has no chains; name another run")
    absent = {each.item: f"left out there ({each.code})" for each in results.rejects if each.part == "item"}
    absent |= {item.id: "its CoT was given there, not written" for item in results.items if item.id not in usable}
    return StoredChains(
        run=folder.name,
        name=str(writer.get("name", "")),
        fingerprint=str(writer.get("fingerprint", "")),
        tokenizer=str(writer.get("tokenizer", "")),
        items=usable,
        absent=absent,
        left_out=frozenset(each.item for each in results.rejects if each.part == "item"),
        template=described_template(results.manifest.get("spec", {})),
    )
