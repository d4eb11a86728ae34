"""What a model writes after prompts, such as chains and answers: from the store, or batch by batch.

The batches are those of all prompts that are asked for, whatever of them is known already, and one is written as a
whole: what a row is beside others differs by rounding, so a run that is taken up again must have the same batches, and
so must processes that share them out.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from mediate.clock import stage
from mediate.errors import InputError
from mediate.models.fingerprint import own_ends
from mediate.models.generation import Decoding, End, LaidOut, Written, laid_out, written_in
from mediate.models.model import Model
from mediate.models.side_by_side import written_anew
from mediate.passes.store import Store, array, entry_key, model_spec, named, numbers
from mediate.passes.together import put_together, read_together
from mediate.passes.unhooked import leanly

KIND = "traces"
_ENDS = tuple(End)

# A prompt in tokens, and how it is gone on with.
Asked = tuple[tuple[int, ...], Decoding]


@dataclass(slots=True)
class Known:
    """What several processes wrote of one set; while it is `shared`, nothing else is written.

    Args:
        texts: By prompt and by how it was gone on with: what was written.
    """

    texts: dict[Asked, Written] = field(default_factory=dict)


class UnwrittenError(InputError):
    """Something must be written that processes share, and is not known yet.

    Args:
        writing: All that is asked for together.
        missing: The numbers of the batches that are not known.
    """

    def __init__(self, writing: "Writing", missing: Sequence[int]) -> None:
        self.writing, self.missing = writing, tuple(missing)
        super().__init__(f"{len(missing)} of {len(writing.laid.batches)} batches of texts are not written yet")


def texts_told(model: Model, texts: Mapping[Asked, Written]) -> bytes:
    """Texts of a model as JSON."""
    told = [[list(prompt), asdict(how), list(text.ids), str(text.end)] for (prompt, how), text in texts.items()]
    return json.dumps({"of": entry_key(model_spec(model)), "texts": told}).encode("ascii")


def texts_read(model: Model, told: Sequence[Mapping[str, Any]]) -> dict[Asked, Written]:
    """Those texts of several `texts_told`, as plain values, that this very model wrote.

    Raises:
        ValueError: It is no such thing; so are TypeError and KeyError.
    """
    own = entry_key(model_spec(model))
    return {
        (tuple(prompt), Decoding(**(how | {"stop": tuple(how["stop"])}))): Written(tuple(ids), "", End(end))
        for each in told
        if each["of"] == own
        for prompt, how, ids, end in each["texts"]
    }


_SHARED: ContextVar[Known | None] = ContextVar("shared", default=None)


@contextmanager
def shared(known: Known) -> Iterator[None]:
    """While open, what is asked for is taken from what is known, and `UnwrittenError` raised where that lacks some."""
    token = _SHARED.set(known)
    try:
        yield
    finally:
        _SHARED.reset(token)


@dataclass(frozen=True, slots=True)
class Writing:
    """Prompts that are asked for together, in their batches.

    Args:
        model: The hooked model.
        asked: Each once.
        laid: The same, in batches.
    """

    model: Model
    asked: Sequence[Asked]
    laid: LaidOut

    @classmethod
    def of(cls, model: Model, asked: Sequence[Asked]) -> "Writing":
        """Lays out what is asked for; the order in which it is asked for makes no difference."""
        # By length, as what comes first of those of one length leads the others.
        each = sorted(dict.fromkeys(asked), key=lambda one: (len(one[0]), one[0], one[1].seed))
        return cls(model, each, laid_out(model, [prompt for prompt, _ in each], [how for _, how in each]))

    def entry(self, number: int) -> dict[str, object]:
        """What a stored text depends on."""
        prompt, decoding = self.asked[number]
        layout: dict[str, object] = {"layout": "padding in front"} if written_anew(self.model) else {}
        ends = own_ends(self.model.plain, self.model.tokenizer)
        layout |= {"ends": list(ends)} if ends else {}
        choices = {key: value for key, value in asdict(decoding).items() if key != "batch_size"}
        return model_spec(self.model) | {"prompt": list(prompt), "decoding": choices} | layout

    def stored(self, store: Store | None) -> dict[Asked, Written]:
        """What is stored of it."""
        if store is None:
            return {}
        common, reader, found = named(model_spec(self.model)), partial(_stored, self.model), dict[Asked, Written]()
        for rows in self.laid.batches:
            entries = [named(self.entry(row)) for row in rows]
            texts = read_together(store, KIND, common, entries, [reader] * len(rows))
            found |= {self.asked[row]: text for row, text in zip(rows, texts, strict=True) if text is not None}
        return found

    def missing(self, known: Mapping[Asked, Written]) -> list[int]:
        """The numbers of the batches of which something is not known."""
        return [
            number for number, rows in enumerate(self.laid.batches) if not all(self.asked[row] in known for row in rows)
        ]

    def written(self, batches: Collection[int], store: Store | None, *, progress: bool = False) -> dict[Asked, Written]:
        """Writes batches, and keeps each when it is whole."""
        found = dict[Asked, Written]()
        with stage("writing chains and answers"), leanly(self.model):
            for rows, texts in written_in(self.laid, batches, progress=progress) if batches else ():
                found |= {self.asked[row]: text for row, text in zip(rows, texts, strict=True)}
                if store is not None:
                    own = [named(self.entry(row)) for row in rows]
                    put_together(store, KIND, named(model_spec(self.model)), own, [_tensors(text) for text in texts])
        return found


def write(
    model: Model, prompts: Sequence[tuple[int, ...]], decoding: Decoding, store: Store | None, *, progress: bool
) -> dict[tuple[int, ...], Written]:
    """What the model writes after each prompt, from the store where it did so before."""
    asked = [(prompt, decoding) for prompt in prompts]
    return {prompt: text for (prompt, _), text in write_each(model, asked, store, progress=progress).items()}


def write_each(model: Model, asked: Sequence[Asked], store: Store | None, *, progress: bool) -> dict[Asked, Written]:
    """`write` after prompts that each have a seed and a number of tokens of their own, all of them side by side.

    Raises:
        UnwrittenError: While texts are `shared`: not all are known.
    """
    if not asked:
        return {}
    sharing = _SHARED.get()
    if sharing is not None and all(each in sharing.texts for each in asked):
        return {each: sharing.texts[each] for each in asked}
    writing = Writing.of(model, asked)
    if sharing is not None:
        raise UnwrittenError(writing, writing.missing(sharing.texts))
    found = writing.stored(store)
    return found | writing.written(writing.missing(found), store, progress=progress)


def _tensors(text: Written) -> dict[str, torch.Tensor]:
    return {"ids": numbers(text.ids, np.int64), "end": numbers(_ENDS.index(text.end), np.int64)}


def _stored(model: Model, kept: Mapping[str, torch.Tensor]) -> Written:
    """What the model wrote, as it was stored.

    Raises:
        ValueError: No model of this vocabulary wrote that.
    """
    ids, end = array(kept, "ids", (None,)), int(array(kept, "end", ()))
    if ids.dtype != np.int64 or not all(0 <= each < model.facts.d_vocab for each in ids) or not 0 <= end < len(_ENDS):
        raise ValueError("it holds no tokens of this model")
    return Written(tuple(ids.tolist()), "", _ENDS[end])
