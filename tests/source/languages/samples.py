"""One program in each language: complexities and symbols counted by hand.

Most have a class `Queue` with `pop`, a function with a loop, branches and conditions, handled errors where
the language has them, and comments.
"""

from typing import NamedTuple


class Sample(NamedTuple):
    """`symbols`: name, kind, first line, line, end line. `complexities`: cyclomatic and extended by name."""

    text: str
    symbols: list[tuple[str, str, int, int, int]]
    complexities: dict[str, tuple[int, int]]
    comments: list[tuple[int, int, int, str]]
    body: tuple[str, str]


PYTHON = '''# A queue.
class Queue:
    @property
    def pop(self):
        """Not a comment."""
        return self.items[0]


def count(items, least):
    n = 0
    for item in items:  # each
        if item and item > least or not least:
            n += 1
        elif item is None:
            continue
    try:
        check(n)
    except ValueError:
        n = 0
    else:
        n = [x for x in items if x][0] if items else 0
    match n:
        case 0 if items:
            pass
        case _:
            pass

    def inner():
        return lambda: 1

    return inner
'''

JAVASCRIPT = """// A queue.
export class Queue {
  pop() {
    return this.items[0] ?? null;
  }
  static #make = () => new Queue();
}

const count = (items, least) => {
  let n = 0;
  for (const item of items) {
    if (item && item > least) n += 1;
    else if (item === null) continue;
    else n += 0;
  }
  try {
    check(n);
  } catch (error) {
    n = 0;
  }
  switch (n) {
    case 0:
    case 1:
      return n ? 1 : 0;
    default:
      return n;
  }
};

const shop = {
  open() {}, /* two
  lines */
  shut: function () { while (true) { do { } while (false); } },
};
"""

TYPESCRIPT = """// A queue.
export abstract class Queue<T> implements Stack {
  private items: T[] = [];
  pop(): T | null {
    return this.items[0] ?? null;
  }
  abstract size(): number;
  later = (): void => {};
}

interface Stack { push(x: number): void; }
enum Colour { Red, Green }

namespace shop {
  export function open(n?: number): number {
    for (let i = 0; i < 3; i++) { if (i && n) { return n!; } }
    return 0;
  }
}
"""

TSX = """// A view.
function View(props: { names: string[] }) {
  if (!props.names) return null;
  return <ul>{props.names.map((name) => name && <li>{name}</li>)}</ul>;
}
"""

JAVA = """package shop;

/** A queue. */
@Deprecated
public class Queue<T> {
  private int size = 0;

  Queue() { super(); }

  @Override
  public T pop(int[] items) throws Empty {
    for (int item : items) {
      if (item > 0 && item < 9 || item == 20) size++;
      else if (item < 0) break;
    }
    try { check(); } catch (Empty | Full e) { size = 0; } finally { done(); }
    switch (size) {
      case 0: case 1: return null;
      default: return size > 3 ? first() : null; // else
    }
  }

  enum Colour { RED { int code() { while (true) { } } } }
}

interface Stack { void push(int x); }
"""

GO = """package shop

// Queue of things.
type Queue[T any] struct {
\titems []T
}

func (q *Queue[T]) Pop(n int) (T, error) {
\tfor i := range q.items {
\t\tif i > n && n > 0 || i == 7 {
\t\t\treturn q.items[i], nil
\t\t} else if i == 9 {
\t\t\tbreak
\t\t}
\t}
\tswitch n {
\tcase 1, 2:
\t\tn++
\tdefault:
\t\tn--
\t}
\treturn q.items[0], nil
}

var count = func() int { return 1 }

func main() {}
"""

SAMPLES = {
    "python": Sample(
        PYTHON,
        [
            ("Queue", "class", 2, 2, 6),
            ("Queue.pop", "method", 3, 4, 6),
            ("count", "function", 9, 9, 31),
            ("count.<locals>.inner", "function", 28, 28, 29),
        ],
        # for, if, elif, except, else, case 0, inner; then `and`, `or`, x for, x if, `if else`, guard
        {"Queue.pop": (1, 1), "count": (8, 14), "count.<locals>.inner": (1, 1)},
        [(1, 1, 1, "# A queue."), (11, 25, 11, "# each")],
        ("count.<locals>.inner", "return lambda: 1"),
    ),
    "javascript": Sample(
        JAVASCRIPT,
        [
            ("Queue", "class", 2, 2, 7),
            ("Queue.pop", "method", 3, 3, 5),
            ("Queue.#make", "method", 6, 6, 6),
            ("count", "function", 9, 9, 28),
            ("shop.open", "method", 31, 31, 31),
            ("shop.shut", "method", 33, 33, 33),
        ],
        # for, if, if, catch, case, case; then &&, ?:
        {
            "Queue.pop": (1, 2),
            "Queue.#make": (1, 1),
            "count": (7, 9),
            "shop.open": (1, 1),
            "shop.shut": (3, 3),
        },
        [(1, 1, 1, "// A queue."), (31, 14, 32, "/* two\n  lines */")],
        ("shop.open", "{}"),
    ),
    "typescript": Sample(
        TYPESCRIPT,
        [
            ("Queue", "class", 2, 2, 9),
            ("Queue.pop", "method", 4, 4, 6),
            ("Queue.later", "method", 8, 8, 8),
            ("Stack", "class", 11, 11, 11),
            ("Colour", "class", 12, 12, 12),
            ("shop.open", "function", 15, 15, 18),
        ],
        {"Queue.pop": (1, 2), "Queue.later": (1, 1), "shop.open": (3, 4)},
        [(1, 1, 1, "// A queue.")],
        ("Stack", "{ push(x: number): void; }"),
    ),
    "tsx": Sample(
        TSX,
        [("View", "function", 2, 2, 5)],
        {"View": (2, 3)},
        [(1, 1, 1, "// A view.")],
        ("View", TSX[TSX.index(") {\n") + 2 : -1]),
    ),
    "java": Sample(
        JAVA,
        [
            ("Queue", "class", 4, 4, 24),
            ("Queue.Queue", "method", 8, 8, 8),
            ("Queue.pop", "method", 10, 10, 21),
            ("Queue.Colour", "class", 23, 23, 23),
            ("Queue.Colour.RED.code", "method", 23, 23, 23),
            ("Stack", "class", 26, 26, 26),
            ("Stack.push", "method", 26, 26, 26),
        ],
        # for, if, if, catch, case, case; then &&, ||, ?:
        {
            "Queue.Queue": (1, 1),
            "Queue.pop": (7, 10),
            "Queue.Colour.RED.code": (2, 2),
            "Stack.push": (1, 1),
        },
        [(3, 1, 3, "/** A queue. */"), (19, 50, 19, "// else")],
        ("Queue.Colour.RED.code", "{ while (true) { } }"),
    ),
    "go": Sample(
        GO,
        [
            ("Queue", "class", 4, 4, 6),
            ("Queue.Pop", "method", 8, 8, 23),
            ("count", "function", 25, 25, 25),
            ("main", "function", 27, 27, 27),
        ],
        # for, if, if, case; then &&, ||
        {"Queue.Pop": (5, 7), "count": (1, 1), "main": (1, 1)},
        [(3, 1, 3, "// Queue of things.")],
        ("count", "{ return 1 }"),
    ),
}
