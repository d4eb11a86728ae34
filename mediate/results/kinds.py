"""What is known of kinds of maps and of shares before any is measured, and the words for them; imports nothing else."""

import re

# A step has no effect on what an earlier one states, or on one that states the same in both worlds.
WITH_GAPS = ("step_graph.read", "step_graph.state")
# At the end of the kind of a map that was measured only where there is something: its gaps were left out.
ADAPTIVE = ".adaptive"
# Shares are undefined where |TE| is not above this, in nats.
MIN_TE = 0.1
# By their number: 0 is the source.
WORLDS = ("source", "base")


def is_estimate(kind: str) -> bool:
    """Whether maps of a kind are gradient estimates, rather than measured by exact patching."""
    return kind.split(".")[0] == "attribution"


def called(kind: str) -> str:
    """What a number of a map is called: an estimate is never called an effect."""
    return f"{kind} estimate of the effect" if is_estimate(kind) else f"{kind} effect"


def of_a_step(kind: str) -> str:
    """What the number of one step in one layer of a map is, in words."""
    base, *rest = kind.split(".")
    component = f"{rest[0] if rest else 'the activations'} at that step"
    if "denoising" in rest:
        replacing = f"putting the base's {component} into the source run"
    else:
        replacing = f"replacing {component} by the source's"
    if is_estimate(kind):
        what = "the size of the effect" if "graddrop" in rest else "the effect"
        return f"a gradient estimate, not exact patching, of {what} of {replacing}"
    words = {
        "read": "the effect of swapping what the answer reads of that step (keys and values) for the source's",
        "state": f"the effect of {replacing}, with all that follows computed anew",
        "relayed": "the effect of that step through later positions, its state effect less its read effect",
        "knockout": "the effect of hiding that step from the answer's attention",
    }
    return words.get(base, f"the {kind} effect of that step")


def window_of(kind: str) -> int:
    """How many neighbouring layers a map takes together."""
    window = re.search(r"\.window([0-9]+)$", kind)
    return int(window[1]) if window else 1
