"""Papers as they come, PDF, LaTeX, HTML or an arXiv id, to one Document and from it to a context.

`reading.read_source` and `reading.read_many` read, `extracting.extract` makes the context, `proposing.fill`
lets a language model propose what the paper does not tell a program.
"""
