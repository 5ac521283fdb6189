"""Self-evolution: a model adapts to tasks by what it generates, and keeps only what measurably helped.

`adapt` is the door. A `Task` (`tasks`) is selected by one reward and judged by another; a `Strategy`
(`strategies`) says how candidates are made and what is learned of them; a `bandit` chooses strategies by
measured gain under a budget of counted passes (`budget`); a round is kept by an interval (`intervals`,
`judging`). `memory` adapts without touching weights. `saving` keeps every round, `comparing` sets strategies
side by side, `drawing` shows what happened.
"""
