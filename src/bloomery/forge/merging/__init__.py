"""Merging models: operators on tensors, whole models in memory and in folders, eight combinations."""
