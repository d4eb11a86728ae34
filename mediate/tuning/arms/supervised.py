"""Next-token training, which several arms share: trl's SFTTrainer, given token ids with their labels."""

from typing import Any

from mediate.tuning.arms.arm import Chosen, Encoded, Said, Start
from mediate.tuning.labels import labelled


def with_chain(chosen: Chosen) -> tuple[str, ...]:
    """What an arm needs that trains on chains."""
    return ("chain",)


def chain_and_answer(said: Said, chosen: Chosen) -> Encoded:
    """The chain, the cue, the answer and an EOS are learnt after the question."""
    return Encoded(said.id, said.question, said.chain + said.ending)


def supervised(start: Start, chosen: Chosen) -> Any:
    """trl's SFTTrainer; the loss is the mean over the completions' tokens of a batch."""
    from datasets import Dataset  # type: ignore[import-untyped]
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling, SFTTrainer

    return SFTTrainer(
        model=start.model,
        processing_class=start.tokenizer,
        args=SFTConfig(**start.arguments, dataset_kwargs={"skip_prepare_dataset": True}),
        peft_config=start.adapter,
        train_dataset=Dataset.from_list([labelled(row.prompt, row.completion, row.unlearnt) for row in start.rows]),
        data_collator=DataCollatorForLanguageModeling(start.padding),
    )
