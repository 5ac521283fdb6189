"""The forward and the backward process, and schedules, as pictures (`stills`, `schedules`) and as animations
(`animations`). A `film` keeps what was seen on the way. The same numbers give the same bytes.
"""
