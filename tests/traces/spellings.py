"""Toy tokenizers of every published way to put SentencePiece's space before a text."""

from functools import cache
from typing import Any

FORMS = {
    "llama 2, first": ("first", False, True),
    "llama 2, older file": ("prepend", False, True),
    "mistral 0.1, always": ("always", False, True),
    "mistral 0.3, in pieces": ("always", True, True),
    "tinyllama, decoder keeps the space": ("prepend", False, False),
    "phi-3, control tokens take their space": ("first", False, True),
    "metaspace on both sides": ("metaspace", True, True),
    "byte level with a space": ("bytes", False, False),
}


@cache
def spaced(form: str) -> Any:
    """A tokenizer that puts a space before every text, with every byte and few merges."""
    import transformers as tf
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

    way, split, strips = FORMS[form]
    letters = (
        sorted(pre_tokenizers.ByteLevel.alphabet())
        if way == "bytes"
        else [*(f"<0x{byte:02X}>" for byte in range(256)), *(chr(number) for number in range(33, 127)), "▁"]
    )
    space = "Ġ" if way == "bytes" else "▁"
    pieces = ["<unk>", "<s>", "</s>", *letters, f"{space}T", "om", f"{space}Tom", f"{space}{space}"]
    merges = [(space, "T"), ("o", "m"), (f"{space}T", "om"), (space, space)]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokens = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=way != "bytes", fuse_unk=True))
    steps: list[Any] = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    if way == "prepend":
        tokens.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    elif way == "bytes":
        tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    elif way == "metaspace":
        tokens.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(prepend_scheme="first")])
    else:
        tokens.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=way, split=split)
    if way == "bytes":
        tokens.decoder = decoders.ByteLevel()
    elif way == "metaspace":
        tokens.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(), decoders.Fuse()])
    else:
        tokens.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if strips else steps)
    found = tf.PreTrainedTokenizerFast(tokenizer_object=tokens, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    takes = form.startswith("phi-3")
    names = ("<|user|>", "<|end|>", "<|assistant|>")
    found.add_tokens([AddedToken(name, special=True, normalized=False, rstrip=takes) for name in names])
    found.chat_template = (
        "{% for m in messages %}<|user|>\n{{ m.content }}<|end|>\n{% endfor %}<|assistant|>\n"
        if takes
        else "{{ bos_token }}{% for m in messages %}[INST] {{ m.content }} [/INST]{% endfor %}"
    )
    return found
