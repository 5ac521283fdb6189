"""Language models: which one is asked, within which budget, and what it answered."""
