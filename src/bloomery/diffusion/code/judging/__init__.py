"""Generated code is judged by what it returns: run behind the sandbox's walls, compared on this side.

Each program has a process of its own, so none can spoil another's answers; a batch shares the walls, and what
must be compiled is compiled in one go. What a program prints, or how it ends, proves nothing. What cannot be
run on this machine is `not_run`, with what to install.

Not covered: Python, JavaScript and TypeScript are not type-checked (TypeScript's types are only stripped);
whole numbers beyond 2**53 are not exact in JavaScript and TypeScript; Go programs of a batch whose packages
have no `init` and no variables of their own share one binary (in processes of their own); the sandbox's own
list.
"""

from bloomery.diffusion.code.judging.program import Budget, Example, Judgement, Program
from bloomery.diffusion.code.judging.verdicts import judge, judge_each

__all__ = ["Budget", "Example", "Judgement", "Program", "judge", "judge_each"]
