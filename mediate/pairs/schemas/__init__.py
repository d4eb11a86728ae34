"""What rows say: one small file a schema, listed here. A new one is one more file and its name in the list."""

from mediate.pairs.schemas.chat import CHAT
from mediate.pairs.schemas.competition_math import MATH
from mediate.pairs.schemas.completions import COMPLETIONS
from mediate.pairs.schemas.gsm8k import GSM8K
from mediate.pairs.schemas.inspect_logs import INSPECT
from mediate.pairs.schemas.lm_eval import LM_EVAL
from mediate.pairs.schemas.own_items import OWN_ITEMS

SCHEMAS = (OWN_ITEMS, GSM8K, MATH, CHAT, COMPLETIONS, LM_EVAL, INSPECT)
