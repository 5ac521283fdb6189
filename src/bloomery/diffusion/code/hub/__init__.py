"""Diffusion language models of the Hub: one line a family, and logits by places whatever the family does.

families    the families: who they are, the mask, the shift, who sees whom
settings    what a checkpoint says of itself: its family, its mask, the configuration of its net
opening     a model by its name on the Hub or its folder
model       `HubModel`: logits, prompts, sampling
gemma       DiffusionGemma, which replaces tokens and has no mask
writing     answers that a parser takes; others are refused
"""
