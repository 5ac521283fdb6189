"""Stylised digits of 7 x 12 points, +1 where there is ink and -1 elsewhere: LeNet-5's target codes.

Source: lenet5 section II.B and figure 3
Differs: drawn here in the manner of the figure, not copied from it point by point.
"""

from __future__ import annotations

import torch
from torch import Tensor

DRAWN = (
    """\
....... ....... ....... ....... .......
..###.. ...##.. .#####. ####### .##..#.
.##.##. ..###.. ##...## .....## .##..##
##...## .####.. .....## ....##. ##...##
##...## ...##.. .....## ...##.. ##...##
##...## ...##.. ....##. ..####. ##...##
##...## ...##.. ...##.. .....## #######
##...## ...##.. ..##... .....## .....##
##...## ...##.. .##.... .....## .....##
.##.##. ...##.. ##..... ##...## .....##
..###.. .###### ####### .#####. .....##
....... ....... ....... ....... .......
""",
    """\
....... ....... ....... ....... .......
####### ...###. ####### .#####. .#####.
##..... ..##... #....## ##...## ##...##
##..... .##.... .....## ##...## ##...##
##..... ##..... ....##. ##...## ##...##
######. ##.###. ....##. .#####. .######
.....## ###..## ...##.. .#####. ..##.##
.....## ##...## ...##.. ##...## .....##
.....## ##...## ..##... ##...## ....##.
##...## ##...## ..##... ##...## ...##..
.#####. .#####. ..##... .#####. .###...
....... ....... ....... ....... .......
""",
)


def digit_bitmaps() -> Tensor:
    """The target codes of the ten digits, each row after row. Shapes: (10, 84)"""
    digits = [digit for band in DRAWN for digit in zip(*map(str.split, band.splitlines()), strict=True)]
    return torch.tensor([[1.0 if point == "#" else -1.0 for point in "".join(rows)] for rows in digits])
