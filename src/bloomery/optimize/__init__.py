"""Agents that improve a codebase: anything may propose a change, and only evidence decides about it."""
