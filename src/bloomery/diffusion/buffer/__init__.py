"""The trajectory buffer: what was planned or written, how good it was, and draws of it by rank.

`trajectories` is the buffer. An entry's priority is its rank among the entries of its task, never the size of
its reward: `ordering` keeps each task in order, `ranking` says how likely each rank is drawn, `trees` finds a
place among many. `quality` says which entries to keep, `statistics` tells what is there, `saving` keeps it in
a store.
"""
