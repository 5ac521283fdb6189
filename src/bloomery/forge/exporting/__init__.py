"""Models in the formats of other runtimes, loaded again there and compared."""
