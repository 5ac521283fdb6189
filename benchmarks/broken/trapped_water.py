"""Min and max: rain held between walls."""


def trapped_water(heights):
    left, right = 0, len(heights) - 1
    left_wall = right_wall = held = 0
    while left < right:
        if heights[left] < heights[right]:
            left_wall = max(left_wall, heights[left])
            held += left_wall - heights[left]
            left += 1
        else:
            right_wall = max(right_wall, heights[right])
            held += right_wall - heights[right]
            right -= 1
    return held


# What follows is no part of the program.

ENTRY = "trapped_water"
CORRECT = "right_wall = max(right_wall, heights[right])"
BROKEN = "right_wall = min(right_wall, heights[right])"
GIVEN = [
    (([],), 0),
    (([1, 2, 3],), 0),
    (([2, 0, 2],), 2),
    (([0, 1, 0, 2, 1, 0, 1, 3, 2, 1, 2, 1],), 6),
    (([4, 2, 0, 3, 2, 5],), 9),
]
HELD_OUT = [
    (([5],), 0),
    (([5, 4, 1, 2],), 1),
    (([3, 0, 0, 2, 0, 4],), 10),
    (([1, 1, 1],), 0),
]


def draw(rng):
    return ([rng.randint(0, 6) for _ in range(rng.randint(0, 12))],)
