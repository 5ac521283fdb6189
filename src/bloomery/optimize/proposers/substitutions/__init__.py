"""Library calls in place of loops: heapq, bisect, itertools, functools, numpy.

(`re` compiled once, `Counter`, `deque` and `gcd` stand with the rewrites that need them.)
"""

from bloomery.optimize.proposers.rewrites.catalogue import Catalogue
from bloomery.optimize.proposers.substitutions.arrays import ARRAYS
from bloomery.optimize.proposers.substitutions.iterating import ITERATING
from bloomery.optimize.proposers.substitutions.ordering import ORDERING

SUBSTITUTIONS: Catalogue = ITERATING | ORDERING | ARRAYS
