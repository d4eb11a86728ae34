"""What is known of kinds of maps and of shares before any is measured; imports nothing."""

# A step has no effect on what an earlier one states, or on one that states the same in both worlds.
WITH_GAPS = ("step_graph.read", "step_graph.state")
# At the end of the kind of a map that was measured only where there is something: its gaps were left out.
ADAPTIVE = ".adaptive"
# Shares are undefined where |TE| is not above this, in nats.
MIN_TE = 0.1
# By their number: 0 is the source.
WORLDS = ("source", "base")
