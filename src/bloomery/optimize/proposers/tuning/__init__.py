"""Numbers that change how fast a program is and not what it gives, and results that are kept.

Every proposal is a candidate: what was checked of the text is told in its `why`, the rest is validation's.
"""

from bloomery.optimize.proposers.tuning.proposing import TuningProposer

__all__ = ["TuningProposer"]
