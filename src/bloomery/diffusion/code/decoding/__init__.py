"""Canvases with masks to code that parses.

decode     tokens by any net of position-aligned logits: by confidence, constrained, in parallel, by blocks
rows       one canvas on its way: commits, what was refused, dead ends and what is masked again
counts     what it all cost

What is made by a selector is no sample of the process: likelihood claims hold of the exact step only.
"""
