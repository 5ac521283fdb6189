"""Library calls in place of loops: heapq, bisect, itertools, numpy; recursion that remembers.

(`re` compiled once, `Counter`, `deque` and `gcd` stand with the rewrites that need them.)
"""

from bloomery.optimize.proposers.rewrites.catalogue import Catalogue
from bloomery.optimize.proposers.substitutions.arrays import ARRAYS
from bloomery.optimize.proposers.substitutions.iterating import ITERATING
from bloomery.optimize.proposers.substitutions.ordering import ORDERING
from bloomery.optimize.proposers.substitutions.remembering import REMEMBERING

SUBSTITUTIONS: Catalogue = ITERATING | REMEMBERING | ORDERING | ARRAYS
