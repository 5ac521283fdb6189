"""A planner adapts to a task that it never saw: a reward in a maze, said by a function or by a coin.

wanted     what is asked: a maze, ways through it, a coin or rewards       asking  functions in users' files
seeing     plans and driven runs as rewards see them                       worth   what selects, what judges
evolve     rounds of adaptation to it                                      kept    as a step of a workspace
"""
