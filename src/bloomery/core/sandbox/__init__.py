"""Runs code that nobody trusts: in another process, behind what walls this machine can raise.

Three ways, the first that works here is taken: bubblewrap; `unshare` with our own read-only mounts; nothing
but limits, Landlock and seccomp. `protections()` tries each attack once and says what held, what did not, and
why; `require=` refuses to run without. What a program printed, or how it ended, proves nothing: `call` gives
it inputs, takes back plain values, and the caller compares.

Not covered, even with every protection in force:
- the kernel itself is shared: a hole in it is a way out; use a virtual machine against a determined attacker;
- memory and CPU time are limited for each process, so together they may take `processes` times as much
  (where cgroup v2 is writable, memory is also limited for all together); wall time ends them all;
- memory in files without a name is limited as files are: up to 256 of `file_bytes` in each process;
- a file's size is limited, the sum of files in the folder is not;
- what the system's folders (`/usr`, `/etc`, the Python installation) hold is readable; no other files are;
- side channels: clock, load, cache timing; results may depend on them.
"""

from bloomery.core.sandbox.call import Outcome, call
from bloomery.core.sandbox.entry import run
from bloomery.core.sandbox.limits import Limits, Protections, SandboxResult
from bloomery.core.sandbox.results import read_result
from bloomery.core.sandbox.trial import protections

__all__ = ["Limits", "Outcome", "Protections", "SandboxResult", "call", "protections", "read_result", "run"]
