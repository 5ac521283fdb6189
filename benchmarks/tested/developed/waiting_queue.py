"""A queue with a limit."""


class Queue:
    def __init__(self, limit=3):
        if limit < 1:
            raise ValueError("limit")
        self.limit = limit
        self.items = []

    def push(self, item, urgent=False):
        if len(self.items) >= self.limit:
            raise OverflowError("full")
        if urgent:
            self.items.insert(0, item)
        else:
            self.items.append(item)
        return len(self.items)

    def pop(self):
        if not self.items:
            return None
        return self.items.pop(0)

    def __len__(self):
        return len(self.items)
