"""Samples that please: by condition (`classifier_free`), by gradient (`gradient`, `critic`), by choice
(`smc`, `best_of`). Rewards are asked by `rewards`, which refuses what is no reward.
"""
