"""From a paper to its context, a plan, a project, and the proof that code does what the paper says."""
