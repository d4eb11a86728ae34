"""Tests on behaviour: the chain is edited, and what the model then answers is held against what it answers after it."""
