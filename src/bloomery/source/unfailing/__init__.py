"""Tests that cannot fail, whatever the code under test does; only what the text decides."""
