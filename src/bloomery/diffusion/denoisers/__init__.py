"""Nets that say what is under the noise, for tokens and for trajectories, and how they are fitted.

`blocks` and `stack` are what transformers here are made of; `tokens` and `trajectories` are the nets, which
know nothing of processes: plain functions of (x, t), conditions and masks by name. `teaching` makes a loss of
a process, `fitting` trains any net on any loss, `folders` keeps nets as `transformers` does.
"""
