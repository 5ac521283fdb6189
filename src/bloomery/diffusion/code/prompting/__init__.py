"""Prompts to programs: a masked diffusion model that reads a prompt and fills a canvas, and what of it runs.

A canvas opens with a sketch: the operation of each step and its number. It is filled first; then head, steps
and tail, each in a region of its own, so that a step is written the same in whatever composition it stands.

words      prompts as ids of words; what is no prompt of the grammar is refused before any model sees it
layout     sketch and program on a canvas; cutting: canonical programs as regions
drawing    batches of prompts and canvases, drawn from seeds
model      `PromptModel`: logits by places, folders; learning: how it is trained; trained: the workspace's own
decoding   canvases filled; writing: candidates, parsed, run and scored; asking: examples as a user gives them
opening    models by name; retrieving: the program of the nearest prompt, a baseline
"""
