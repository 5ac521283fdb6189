"""A masked diffusion model of code: a denoiser of tokens and the tokenizer whose tokens it knows.

signals         where the tokens of a canvas stand: lines, indents and scopes, masks in it or not
model           `CodeModel`: logits by places, folders
files           what a folder holds to learn from, and what was left out, and why
windows         files as tokens, cut where lines begin
losses          the masked bound of windows; autoregressive: the same net from left to right
measuring       bits a byte, everything counted that restores the bytes
training        a model in a folder; asking and looking: what it was asked, and the weights it chose
reporting       what a training tells
"""
