"""The process of one agent: its orders come pickled on standard input, SIGTERM asks it to stop."""

import sys
import threading

import cloudpickle

from bloomery.core.sigterm import sigterm_sets
from bloomery.optimize.coordinating.agent import Orders, live


def main() -> None:
    orders: Orders = cloudpickle.loads(sys.stdin.buffer.read())
    stop = threading.Event()
    with sigterm_sets(stop):
        live(orders, stop)


if __name__ == "__main__":
    main()
