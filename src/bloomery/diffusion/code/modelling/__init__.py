"""A masked diffusion model of code: a denoiser of tokens and the tokenizer whose tokens it knows.

signals   where the tokens of a canvas stand: lines, indents and scopes, masks in it or not
model     `CodeModel`: logits by places, folders
"""
