"""Printed pages by their geometry: glyphs, columns, lines, numbered displays, tables."""
