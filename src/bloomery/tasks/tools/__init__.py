"""Tools that a model calls, conversations in which it does, and tasks whose answers need them."""
