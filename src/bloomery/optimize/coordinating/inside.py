"""The process of one agent: its orders come pickled on standard input, SIGTERM asks it to stop."""

import sys
import threading

import cloudpickle

from bloomery.core.sigterm import sigterm_sets
from bloomery.optimize.coordinating.agent import NameTaken, Orders, live
from bloomery.optimize.coordinating.processes import TAKEN


def main() -> None:
    orders: Orders = cloudpickle.loads(sys.stdin.buffer.read())
    stop = threading.Event()
    try:
        with sigterm_sets(stop):
            live(orders, stop)
    except NameTaken as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(TAKEN)


if __name__ == "__main__":
    main()
