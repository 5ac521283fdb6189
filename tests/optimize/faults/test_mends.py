"""What each mend makes of a text, and where its conditions keep it away. Whether it helps, faults judge."""

import ast

import pytest

from bloomery.optimize.proposal import Target
from bloomery.optimize.proposers import proposer
from bloomery.optimize.proposers.robustness import MENDS, mends

CASES = {
    "timeouts": (
        "never ends",
        "from urllib.request import urlopen\n\n\ndef f(url):\n    return urlopen(url).read()\n",
        "    return urlopen(url, timeout=10).read()\n",
    ),
    "bounded retries": (
        "never ends",
        "def f(ask):\n    while True:\n        try:\n            return ask()\n"
        "        except OSError:\n            pass\n",
        "    for attempt in range(5):\n        try:\n            return ask()\n"
        "        except OSError:\n            if attempt == 4:\n                raise\n            pass\n",
    ),
    "retries": (
        "gives up at once",
        "import socket\n\n\ndef f(url):\n    return socket.create_connection(url, 3).recv(3)\n",
        "    retry=tenacity.retry_if_exception_type((ConnectionError, TimeoutError)),\n",
    ),
    "with": (
        "leak",
        "def f(p):\n    g = open(p)\n    a = g.read()\n    g.close()\n    return a\n",
        "    with open(p) as g:\n        a = g.read()\n    return a\n",
    ),
    "with around": (
        "leak",
        "import json\n\n\ndef f(p):\n    return json.load(open(p))\n",
        "    with open(p) as file:\n        return json.load(file)\n",
    ),
    "finally": (
        "unusable afterwards",
        "def f(lock, do):\n    lock.acquire()\n    do()\n    lock.release()\n",
        "    with lock:\n        do()\n",
    ),
    "opened before try": (
        "masked",
        "def f(p):\n    try:\n        g = open(p)\n        return g.read()\n"
        "    finally:\n        g.close()\n",
        "    g = open(p)\n    try:\n        return g.read()\n    finally:\n        g.close()\n",
    ),
    "replaced in one step": (
        "torn file",
        "import os\n\n\ndef f(a, b):\n    if os.path.exists(b):\n        os.remove(b)\n    os.rename(a, b)\n",
        "def f(a, b):\n    os.replace(a, b)\n",
    ),
    "atomic writes": (
        "torn file",
        'def f(p):\n    with open(p, "w", encoding="utf-8") as g:\n        g.write("x")\n',
        '    with _replacing(p, "w", encoding="utf-8") as g:\n        g.write("x")\n',
    ),
    "spare files removed": (
        "left behind",
        'import os\n\n\ndef f(p, do):\n    spare = p + "~"\n    do(spare)\n    os.replace(spare, p)\n',
        "    try:\n        do(spare)\n        os.replace(spare, p)\n    except BaseException:\n"
        "        with contextlib.suppress(OSError):\n            os.unlink(spare)\n        raise\n",
    ),
    "narrower handlers": (
        "swallowed",
        "def f(p):\n    try:\n        return open(p).read()\n    except OSError:\n        return ''\n",
        "    except FileNotFoundError:\n        return ''\n",
    ),
    "status looked at": (
        "swallowed",
        "def f(c):\n    return c.getresponse().read()\n",
        "    response = c.getresponse()\n    if response.status >= 400:\n",
    ),
    "input checked": (
        "unvalidated",
        "import json\n\n\ndef f(t):\n    return json.loads(t)['a']\n",
        "    except (AttributeError, IndexError, KeyError, TypeError) as error:\n        raise ValueError(",
    ),
    "to the end": (
        "wrong value",
        "import os\n\n\ndef f(h, d):\n    os.write(h, d)\n",
        "    _write_all(h, d)\n",
    ),
    "monotonic clock": (
        "clock",
        "import time\n\n\ndef f():\n    a = time.time()\n    return time.time() - a\n",
        "    a = time.monotonic()\n    return time.monotonic() - a\n",
    ),
    "locks": (
        "race",
        "seen = []\n\n\ndef f(a):\n    if a not in seen:\n        seen.append(a)\n",
        "    with _lock:\n        if a not in seen:\n            seen.append(a)\n",
    ),
}


def made(text, kind, name):
    return [one.text for other, one in mends(text, kind, "f") if other == name]


def test_every_mend_has_a_case():
    assert CASES.keys() == MENDS.keys()


@pytest.mark.parametrize("name", CASES)
def test_a_mend_makes_what_it_says_and_its_result_is_python(name):
    kind, text, part = CASES[name]
    texts = made(text, kind, name)
    assert any(part in one for one in texts)
    for one in texts:
        ast.parse(one)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("timeouts", "import socket\n\n\ndef f(a, **o):\n    return socket.create_connection(a, **o)\n"),
        ("timeouts", "import socket\n\n\ndef f(a):\n    return socket.create_connection(a, 5)\n"),
        (
            "bounded retries",  # what succeeds goes round again
            "def f(ask):\n    while True:\n        try:\n            ask()\n        except OSError:\n"
            "            pass\n",
        ),
        (
            "bounded retries",  # somebody else may end it
            "def f(ask, go):\n    while go():\n        try:\n            return ask()\n"
            "        except OSError:\n            pass\n",
        ),
        (
            "retries",  # it sends data
            "from urllib.request import urlopen\n\n\ndef f(u, d):\n    return urlopen(u, data=d).read()\n",
        ),
        ("with", "def f(p):\n    g = open(p)\n    a = g.read()\n    g.close()\n    return g\n"),
        ("with around", "def f(p):\n    g = open(p)\n    return g\n"),
        ("finally", "def f(lock, do):\n    lock.acquire(False)\n    do()\n    lock.release()\n"),
        (
            "opened before try",  # a handler sees what opening raises
            "def f(p):\n    try:\n        g = open(p)\n        return g.read()\n    except OSError:\n"
            "        return ''\n    finally:\n        g.close()\n",
        ),
        ("atomic writes", "def f(p):\n    with open(p, 'a') as g:\n        g.write('x')\n"),
        ("monotonic clock", "import time\n\n\ndef f():\n    a = time.time()\n    return a\n"),
        ("locks", "seen = []\n\n\ndef f(a, event):\n    event.wait()\n    seen.append(a)\n"),
        (
            "with",  # a string of several lines would move
            'def f(p):\n    g = open(p)\n    a = g.read() + """\n  x"""\n    g.close()\n    return a\n',
        ),
    ],
)
def test_where_a_condition_does_not_hold_there_is_no_mend(name, text):
    kind = CASES[name][0]
    assert made(text, kind, name) == []


def test_the_mender_proposes_for_robustness_alone(tmp_path):
    (tmp_path / "a.py").write_text(CASES["timeouts"][1])
    target = Target(tmp_path, "a.py")
    found = list(proposer("robustness").propose(target, "robustness", rng=None))
    assert [one.operator for one in found] == ["timeouts", "with around"]
    assert list(proposer("robustness").propose(target, "speed", rng=None)) == []
