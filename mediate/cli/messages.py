"""Messages in the command line's own words: what Python calls an argument has another name there."""

import re

_CHOICES = (
    "allow_mixed", "answer_cue", "control_pairs", "held_out", "max_length", "max_new_tokens", "min_te", "on_bad_item",
    "solved_only", "top_p", "trust_remote_code",
)  # fmt: skip
_NAMED = re.compile(r"\boption '(?P<name>[a-z_]+)'")
_LOADED = re.compile(r"\bload\(\.\.\., (?P<name>[a-z_]+)=(?:True|\.\.\.)\)")
_VALUE = re.compile(r"\b(?P<name>held_out|max_new_tokens|temperature)=(?P<value>[0-9.]*[0-9])")
_BARE = re.compile(r"(?<= )(?P<name>tokenizer)=(?=$|[\s;,.)])")
# Not within a name, a path or quotes, which are the user's own words.
_CHOICE = re.compile(rf"(?<![\w'\"./-])(?P<name>{'|'.join(_CHOICES)})(?![\w'\"/])")


def option(name: str) -> str:
    """What the command line calls a choice."""
    return f"--{name.replace('_', '-')}"


def as_options(message: str) -> str:
    """A message with options in place of arguments: `--maps` for `option 'maps'`, `--tokenizer` for `tokenizer=`."""
    message = _VALUE.sub(lambda found: f"{option(found['name'])} {found['value']}", message)
    for named in (_LOADED, _NAMED, _BARE, _CHOICE):
        message = named.sub(lambda found: option(found["name"]), message)
    return message
