"""Call: fewest moves of a knight."""

from collections import deque

JUMPS = [(1, 2), (2, 1), (2, -1), (1, -2), (-1, -2), (-2, -1), (-2, 1), (-1, 2)]


def knight_moves(size, start, goal):
    waiting = deque([(start, 0)])
    seen = {start}
    while waiting:
        square, moves = waiting.popleft()
        if square == goal:
            return moves
        for right, up in JUMPS:
            reached = (square[0] + right, square[1] + up)
            if reached not in seen and 0 <= reached[0] < size and 0 <= reached[1] < size:
                seen.add(reached)
                waiting.append((reached, moves + 1))
    return None


# What follows is no part of the program.

ENTRY = "knight_moves"
CORRECT = "waiting.popleft()"
BROKEN = "waiting.pop()"
GIVEN = [
    ((8, (0, 0), (0, 0)), 0),
    ((8, (0, 0), (1, 2)), 1),
    ((8, (0, 0), (7, 7)), 6),
    ((3, (0, 0), (1, 1)), None),
    ((5, (2, 2), (0, 0)), 4),
]
HELD_OUT = [
    ((8, (0, 0), (1, 1)), 4),
    ((8, (3, 3), (4, 4)), 2),
    ((2, (0, 0), (1, 1)), None),
    ((6, (0, 5), (5, 0)), 4),
]


def draw(rng):
    size = rng.randint(1, 7)
    return size, (rng.randrange(size), rng.randrange(size)), (rng.randrange(size), rng.randrange(size))
