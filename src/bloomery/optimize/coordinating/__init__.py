"""Several agents at one repository: a queue with leases, agents as processes, what to do when they collide.

    enqueue(workspace, task, method="test-driven", priority=80)
    done = coordinate(workspace, root, Crew(agents=2))     # work and validation: the optimizer's, or yours
    for one in done.conflicts: ...                         # merged, made anew, or open for a person
    resolve(ledger, conflict, "one", by="Ada")

The queue is in the catalog, for what it has to hold: a task has either its end with all its patches or none
of it, in one transaction with the agents' and the patches' records. huey keeps tasks outside of it, has no
lease (who takes a task has removed it from the queue, and a kill loses it), and no PostgreSQL.
"""

from bloomery.optimize.coordinating.agent import Orders, Terms, live
from bloomery.optimize.coordinating.asking import enqueue, task_of
from bloomery.optimize.coordinating.crew import Crew, Summary, bury, coordinate, summary
from bloomery.optimize.coordinating.escalating import resolve, show
from bloomery.optimize.coordinating.jobs import Job, Outcome, Validate, Work

__all__ = [
    "Crew",
    "Job",
    "Orders",
    "Outcome",
    "Summary",
    "Terms",
    "Validate",
    "Work",
    "bury",
    "coordinate",
    "enqueue",
    "live",
    "resolve",
    "show",
    "summary",
    "task_of",
]
