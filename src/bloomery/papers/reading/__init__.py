"""Papers as they come, PDF, LaTeX, HTML or an arXiv id, to one Document and from it to a context."""
