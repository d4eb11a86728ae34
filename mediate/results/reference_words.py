"""Reference values that maps take by name, and the words for them: what is put in place of an activation.

How each is made is in `mediate.mediation.kinds.references`. One that is not named here is used from Python alone.
"""

# Those that are taken from other items of a set.
MEAN, OTHER = "mean", "other"
REFERENCE_WORDS = {
    "zero": "zeros",
    MEAN: "its mean over other items' chains",
    OTHER: "another item's, position by position from its chain's start",
    "shuffled": "those of the same chain with its steps in another order",
    "noise": "a random direction of the same norm",
}
