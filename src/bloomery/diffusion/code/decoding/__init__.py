"""Canvases with masks to code that parses.

decode     tokens by any net of position-aligned logits: by confidence, constrained, in parallel, by blocks
rows       one canvas on its way: commits, what was refused, dead ends and what is masked again
caching    the net of a block whose surroundings are kept; canvases within a fixed context
counts     what it all cost
holes      which part of a file; framing: the file around it; filling: what may stand there
verifying  the same by models whose tokens are no lexemes

What is made by a selector is no sample of the process: likelihood claims hold of the exact step only.
"""
