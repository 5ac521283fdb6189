"""What source text is like, in numbers whose definitions are told with them.

`report.assess(sources)` gives every metric as plain values. None of them judges what code does.
"""
