"""Strongly connected parts of a directed graph, and a shortest cycle in one."""

from collections import deque
from collections.abc import Mapping, Sequence


def components(after: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The strongly connected parts, each after those that can be reached from it.

    Source: Tarjan 1972, without recursion.
    """
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    waiting: set[str] = set()
    found: list[list[str]] = []
    for root in after:
        if root in number:
            continue
        path = [(root, 0)]
        while path:
            node, at = path.pop()
            if at == 0:
                number[node] = low[node] = len(number)
                stack.append(node)
                waiting.add(node)
            for at, other in enumerate(after[node][at:], at + 1):  # noqa: B020  # goes on where it stopped
                if other not in number:
                    path += [(node, at), (other, 0)]
                    break
                if other in waiting:
                    low[node] = min(low[node], number[other])
            else:
                if path:
                    below = path[-1][0]
                    low[below] = min(low[below], low[node])
                if low[node] == number[node]:
                    found.append(_part(node, stack, waiting))
    return found


def _part(root: str, stack: list[str], waiting: set[str]) -> list[str]:
    """Takes the part of `root` off the stack."""
    part: list[str] = []
    while not part or part[-1] != root:
        part.append(stack.pop())
        waiting.discard(part[-1])
    return part


def cycle_in(part: Sequence[str], after: Mapping[str, Sequence[str]]) -> list[str]:
    """A shortest cycle through the first node of a part; empty where there is none."""
    first, inside = part[0], set(part)
    came: dict[str, str] = {}
    queue = deque([first])
    while queue:
        node = queue.popleft()
        for other in after[node]:
            if other == first:
                way = [node]
                while way[-1] != first:
                    way.append(came[way[-1]])
                return way[::-1]
            if other in inside and other not in came:
                came[other] = node
                queue.append(other)
    return []
