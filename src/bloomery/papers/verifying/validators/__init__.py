"""What is to be said about a paper's folder: its structure, what was measured, what is left open."""
