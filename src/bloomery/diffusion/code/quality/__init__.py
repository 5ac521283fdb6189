"""The quality of source text as numbers from 0 to 1, for choosing and guiding.

scores    each metric of `source.quality` as a score, and their weighted mean
rewards   scores of texts as rewards of samples; scores that raise or say NaN
"""
