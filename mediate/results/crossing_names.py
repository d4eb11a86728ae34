"""What the numbers of two checkpoints crossed are called: the same in the terminal, in tables and in figures."""

# Corners of the cube, Y[q, c, r]: 0 is the original and 1 the tuned one.
CORNER_WORDS = {
    "original": "the original as it is",
    "original_with_tuned_state": "the original, reading the tuned one's CoT state",
    "tuned_with_original_state": "the tuned one, reading the original's CoT state",
    "tuned": "the tuned one as it is",
}
# The total change and its parts, split in two and in three.
CHANGE_WORDS = {
    "total": "total change",
    "state": "CoT state",
    "rest": "all else",
    "state_in_original": "CoT state, into the original",
    "state_in_tuned": "CoT state, into the tuned one",
    "rest_with_original_state": "all else, with the original's CoT state",
    "rest_with_tuned_state": "all else, with the tuned one's CoT state",
    "interaction": "interaction",
    "question": "question state, of three",
    "chain": "CoT state, of three",
    "readers": "reading weights, of three",
}
CROSSING_WORDS = CORNER_WORDS | CHANGE_WORDS
