"""A buffer as a plain list: every answer is counted anew over all entries."""

from dataclasses import dataclass


@dataclass
class One:
    content: tuple
    score: float
    reward: float
    task: str
    origin: str
    round: int
    age: int
    seen: int = 1


class Naive:
    def __init__(self, capacity, eviction, alpha):
        self.capacity, self.eviction, self.alpha = capacity, eviction, alpha
        self.entries: list[One] = []
        self.tasks: list[str] = []
        self.added = 0

    def add(self, content, reward, task, origin="real", round=0, seen=1):
        if task not in self.tasks:
            self.tasks.append(task)
        for one in self.entries:
            if (one.content, one.task) == (content, task):
                one.seen += seen
                if reward != one.reward:
                    one.reward = one.score = reward
                return "folded"
        if len(self.entries) == self.capacity:
            leaver = self.leaver(task)
            if self.eviction == "worst" and leaver.task == task and reward < leaver.score:
                return "refused"
            self.entries.remove(leaver)
        self.entries.append(One(content, reward, reward, task, origin, round, self.added, seen))
        self.added += 1
        return "kept"

    def keep(self, kept):
        self.entries = kept

    def leaver(self, task):
        if self.eviction == "oldest":
            return min(self.entries, key=lambda one: one.age)
        counts = [sum(one.task == task for one in self.entries) for task in self.tasks]
        mine = counts[self.tasks.index(task)]
        fullest = task if mine == max(counts) else self.tasks[counts.index(max(counts))]
        theirs = [one for one in self.entries if one.task == fullest]
        return min(theirs, key=lambda one: (one.score, one.age))

    def better(self, one):
        theirs = [other.score for other in self.entries if other.task == one.task]
        return sum(score > one.score for score in theirs) / len(theirs)

    def probability(self, one):
        """Each rank's weight, shared by the entries of that score, and the task's share of entries."""
        theirs = sorted((other.score for other in self.entries if other.task == one.task), reverse=True)
        weights = [(rank + 1) ** -self.alpha for rank in range(len(theirs))]
        mine = [weight for weight, score in zip(weights, theirs, strict=True) if score == one.score]
        return sum(mine) / len(mine) / sum(weights) * len(theirs) / len(self.entries)
