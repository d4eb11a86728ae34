"""A preference for chains and answers over rejected ones (DPO, Rafailov et al. 2023).

trl's DPOTrainer tokenises what it is made with, but reads what it trains on from `train_dataset`, under the columns
that its collator names: it is made with one row of other text and then given ours.
"""

import copy
from typing import Any

from mediate.tuning.arms.arm import Arm, Chosen, Encoded, Said, Start


def _needs(chosen: Chosen) -> tuple[str, ...]:
    return ("chain", "rejected")


def _tokens(said: Said, chosen: Chosen) -> Encoded:
    return Encoded(said.id, said.question, said.chain + said.ending, said.rejected)


def _trainer(start: Start, chosen: Chosen) -> Any:
    from datasets import Dataset  # type: ignore[import-untyped]
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DataCollatorForPreference, DPOTrainer

    trainer = DPOTrainer(
        model=start.model,
        # Without its adapter the model is its own reference.
        ref_model=copy.deepcopy(start.model) if start.adapter is None else None,
        processing_class=start.tokenizer,
        args=DPOConfig(**start.arguments, beta=chosen.beta),
        peft_config=start.adapter,
        train_dataset=Dataset.from_list([{"prompt": "a", "chosen": "b", "rejected": "c"}]),
        data_collator=DataCollatorForPreference(start.padding),
    )
    trainer.train_dataset = Dataset.from_list([_columns(row) for row in start.rows])
    return trainer


def _columns(row: Encoded) -> dict[str, list[int]]:
    return {
        "prompt_ids": list(row.prompt),
        "chosen_ids": list(row.completion),
        "rejected_ids": list(row.rejected),
    }


DPO = Arm(
    name="dpo",
    help="A preference for chains over rejected ones; an adapter unless --full.",
    rates=(1e-6, 1e-5),  # trl's, and ten times that
    needs=_needs,
    tokens=_tokens,
    trainer=_trainer,
    own=("beta",),
    unit="pair",
)
