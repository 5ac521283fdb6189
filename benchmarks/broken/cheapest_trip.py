"""Index variable: cheapest way through a network of trains."""

import heapq


def cheapest_trip(fares, start, goal):
    cost = {start: 0}
    waiting = [(0, start)]
    while waiting:
        paid, town = heapq.heappop(waiting)
        if town == goal:
            return paid
        if paid > cost[town]:
            continue
        for neighbour, fare in fares.get(town, {}).items():
            price = paid + fare
            if neighbour not in cost or price < cost[neighbour]:
                cost[neighbour] = price
                heapq.heappush(waiting, (price, neighbour))
    return None


# What follows is no part of the program.

ENTRY = "cheapest_trip"
CORRECT = "price < cost[neighbour]:"
BROKEN = "price < cost[town]:"
GIVEN = [
    (({}, "a", "a"), 0),
    (({"a": {"b": 4}}, "a", "b"), 4),
    (({"a": {"b": 4}}, "b", "a"), None),
    (({"a": {"b": 9, "c": 2}, "c": {"b": 3}}, "a", "b"), 5),
    (({"a": {"b": 1, "c": 5}, "b": {"c": 1}, "c": {"d": 1}}, "a", "d"), 3),
]
HELD_OUT = [
    (({"a": {"b": 7, "c": 1}, "c": {"d": 1}, "d": {"b": 1}}, "a", "b"), 3),
    (({"a": {"b": 1}, "b": {"a": 1}}, "a", "c"), None),
]


def draw(rng):
    towns = "abcde"
    fares = {}
    for town in towns:
        others = rng.sample([other for other in towns if other != town], rng.randint(0, 3))
        fares[town] = {other: rng.randint(1, 12) for other in others}
    return fares, rng.choice(towns), rng.choice(towns)
