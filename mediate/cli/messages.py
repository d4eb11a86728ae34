"""Messages in the command line's own words: what Python calls an argument has another name there."""

import re
from functools import cache

_NAMED = re.compile(r"\boption '(?P<name>[a-z_]+)'")
_LOADED = re.compile(r"\bload\(\.\.\., (?P<name>[a-z_]+)=(?:True|\.\.\.)\)")
_IN_PYTHON = re.compile(r" \(in Python: [^()]*\)")
_VALUE = re.compile(r"\b(?P<name>held_out|max_new_tokens|temperature)=(?P<value>[0-9.]*[0-9])")
_WHERE = re.compile(r"(?<= )(?P<name>engine|shard)='(?P<value>[a-z]+|[0-9]+/[0-9]+)'")
_BARE = re.compile(r"(?<= )(?P<name>tokenizer)=(?=$|[\s;,.)])")


@cache
def _bare_choice() -> re.Pattern[str]:
    """A choice's name as it stands in a sentence: not within a name, a path or quotes, which are the user's own words.

    Only names that no sentence has by chance, so those of two words.
    """
    from mediate.choices import fields_of
    from mediate.models.load_spec import LoadSpec
    from mediate.scoring.cross_spec import cross_fields
    from mediate.scoring.engine_spec import EngineSpec
    from mediate.scoring.spec import ScoreSpec
    from mediate.tuning.spec import TuneSpec

    names = {"allow_mixed", *fields_of(LoadSpec), *fields_of(ScoreSpec), *cross_fields(), *TuneSpec.model_fields}
    names |= set(fields_of(EngineSpec))
    choices = "|".join(sorted(name for name in names if "_" in name))
    return re.compile(rf"(?<![\w'\"./-])(?P<name>{choices})(?:=True\b)?(?![\w'\"/])")


def option(name: str) -> str:
    """What the command line calls a choice."""
    return f"--{name.replace('_', '-')}"


def as_options(message: str) -> str:
    """A message with options in place of arguments: `--maps` for `option 'maps'`, `--tokenizer` for `tokenizer=`.

    What it says of Python in brackets, beside an option, is left out.
    """
    message = _IN_PYTHON.sub("", message)
    for valued in (_VALUE, _WHERE):
        message = valued.sub(lambda found: f"{option(found['name'])} {found['value']}", message)
    for named in (_LOADED, _NAMED, _BARE, _bare_choice()):
        message = named.sub(lambda found: option(found["name"]), message)
    return message
