"""Tasks whose agents a person stopped: nothing was attempted."""

from collections.abc import Collection

from sqlalchemy import update

from bloomery.core.catalog.coordination import tasks
from bloomery.core.catalog.queue import Queue


def give_back(queue: Queue, leases: Collection[str]) -> None:
    """Tasks of these leases wait again as if they had not been given out."""
    held = tasks.c.lease.in_(list(leases)) & (tasks.c.state == "leased")
    free = {"state": "waiting", "attempts": tasks.c.attempts - 1, "lease": None, "lease_until": None}
    with queue._alone() as connection:
        connection.execute(update(tasks).where(held).values(free))
