"""How a model writes: a record without torch, so that it can be checked before a model is loaded."""

from dataclasses import dataclass

from mediate.errors import InputError


@dataclass(frozen=True, slots=True)
class Decoding:
    """How to write.

    Args:
        max_new_tokens: The most tokens that are written.
        stop: Strings that end the writing; they and what follows are cut off.
        temperature: 0 is greedy.
        top_p: Nucleus that is sampled from.
        seed: Together with the prompt's tokens, fixes each sample.
        batch_size: The most prompts that are written side by side; None for as many as memory should hold.
    """

    max_new_tokens: int = 256
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    batch_size: int | None = None

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1 or (self.batch_size is not None and self.batch_size < 1):
            raise InputError("max_new_tokens and batch_size are at least 1")
        if not 0 <= self.temperature < float("inf") or not 0 < self.top_p <= 1:
            raise InputError(f"temperature {self.temperature} is not in [0, inf), or top_p {self.top_p} not in (0, 1]")
        if self.seed < 0 or "" in self.stop:
            raise InputError(f"seed {self.seed} is below 0, or a stop string is empty")
