"""Modules with one planted weakness each, and the same with the safer form; and twins that are to stay."""

PLANTED = {
    "yaml.load without a loader": (
        "import yaml\n\n\ndef read(text):\n    return yaml.load(text)\n",
        "return yaml.safe_load(text)",
    ),
    "yaml.load with an unsafe loader": (
        "import yaml\n\n\ndef read(text):\n    return yaml.load(text, Loader=yaml.Loader)\n",
        "return yaml.safe_load(text)",
    ),
    "load of yaml by its own name": (
        "from yaml import FullLoader, load\n\n\ndef read(text):\n    return load(text, FullLoader)\n",
        "return yaml.safe_load(text)",
    ),
    "torch.load of anything": (
        'import torch\n\n\ndef weights(path):\n    return torch.load(path, map_location="cpu")\n',
        'torch.load(path, map_location="cpu", weights_only=True)',
    ),
    "a shell with values": (
        "import subprocess\n\n\ndef shown(path, n):\n"
        '    return subprocess.run(f"head -n {n} {path}.txt", shell=True, check=True)\n',
        "subprocess.run(['head', '-n', f'{n}', f'{path}.txt'], check=True)",
    ),
    "a shell with a sum": (
        "import subprocess\n\n\ndef sizes(folder):\n"
        '    return subprocess.check_output("du -s " + folder, shell=True)\n',
        "subprocess.check_output(['du', '-s', folder])",
    ),
    "a value inside of SQL": (
        "import sqlite3\n\n\ndef user(name):\n"
        '    return sqlite3.connect("a.db").execute('
        "f\"select * from users where name = '{name}'\").fetchall()\n",
        "execute('select * from users where name = ?', (name,))",
    ),
    "values put into SQL by a format": (
        "import sqlite3\n\n\ndef add(db: sqlite3.Connection, a, b):\n"
        '    db.execute("insert into t values (%s, %s)" % (a, b))\n',
        "db.execute('insert into t values (?, ?)', (a, b))",
    ),
    "eval of a literal": (
        'def table():\n    return eval("[1, (2, 3)]")\n',
        'return ast.literal_eval("[1, (2, 3)]")',
    ),
    "eval of what is read": (
        "def setting(text):\n    return eval(text)\n",
        "return ast.literal_eval(text)",
    ),
    "a certificate that nobody looks at": (
        "import requests\n\n\ndef asked(url):\n    return requests.get(url, verify=False, timeout=3)\n",
        "requests.get(url, timeout=3)",
    ),
    "a context that verifies nothing": (
        "import ssl\n\n\ndef context():\n    return ssl._create_unverified_context()\n",
        "return ssl.create_default_context()",
    ),
    "an archive unpacked anywhere": (
        "import tarfile\n\n\ndef unpack(path, to):\n"
        "    with tarfile.open(path) as archive:\n        archive.extractall(to)\n",
        'archive.extractall(to, filter="data")',
    ),
    "an archive unpacked at once": (
        "import tarfile\n\n\ndef unpack(path):\n    tarfile.open(path).extractall()\n",
        'tarfile.open(path).extractall(filter="data")',
    ),
    "a name for a file to come": (
        "import tempfile\n\n\ndef spill(text):\n    path = tempfile.mktemp(suffix='.txt')\n"
        "    with open(path, 'w') as file:\n        file.write(text)\n    return path\n",
        "    handle, path = tempfile.mkstemp(suffix='.txt')\n    os.close(handle)\n",
    ),
    "a file opened by a name to come": (
        "import tempfile\n\n\ndef spill(text):\n    with open(tempfile.mktemp('.txt'), 'w') as file:\n"
        "        file.write(text)\n        return file.name\n",
        "with tempfile.NamedTemporaryFile('w', suffix='.txt', delete=False) as file:",
    ),
    "a request without an end": (
        "import requests\n\n\ndef asked(url):\n    return requests.get(url, headers={})\n",
        "requests.get(url, headers={}, timeout=10)",
    ),
    "a token that can be foreseen": (
        "import random\nimport string\n\n\ndef token(n):\n"
        '    return "".join(random.choice(string.ascii_letters) for _ in range(n))\n',
        "secrets.SystemRandom().choice(string.ascii_letters)",
    ),
    "a checksum by a broken hash": (
        "import hashlib\n\n\ndef etag(body):\n    return hashlib.md5(body).hexdigest()\n",
        "hashlib.md5(body, usedforsecurity=False)",
    ),
    "a checksum that its docstring names": (
        'import hashlib\n\n\ndef same(body):\n    """A fingerprint."""\n    made = hashlib.sha1()\n'
        "    made.update(body)\n    return made.digest()\n",
        "hashlib.sha1(usedforsecurity=False)",
    ),
    "an assert for a check of input": (
        "def half(n):\n    assert n % 2 == 0, 'even'\n    return n // 2\n",
        "    if not (n % 2 == 0):\n        raise ValueError('even')\n",
    ),
    "an assert for a type": (
        "def half(n):\n    assert isinstance(n, int)\n    return n // 2\n",
        "raise TypeError('expected: isinstance(n, int)')",
    ),
    "whatever goes wrong passed over": (
        "import os\n\n\ndef gone(path):\n    try:\n        os.remove(path)\n    except Exception:\n"
        "        pass\n",
        "    except (OSError, TypeError, ValueError, OverflowError):\n",
    ),
    "everything passed over": (
        "def number(text):\n    value = None\n    try:\n        value = int(text)\n    except:\n"
        "        pass\n"
        "    return value\n",
        "    except (TypeError, ValueError, OverflowError):\n",
    ),
}
"""By what is wrong: the module, and what stands in it with the fix."""

STAYS = {
    "a value that a program runs": "import subprocess\n\n\ndef f(c):\n"
    '    return subprocess.run(f"bash -c {c}", shell=True)\n',
    "a value that a program elsewhere runs": "import subprocess\n\n\ndef f(c):\n"
    '    return subprocess.run("ssh host " + c, shell=True)\n',
    "a program behind another one": "import subprocess\n\n\ndef f(c):\n"
    '    return subprocess.run(f"nice -n 5 /usr/bin/env {c}", shell=True)\n',
    "a word of the shell's own": "import subprocess\n\n\ndef f(p):\n"
    '    return subprocess.run(f"cd {p}", shell=True)\n',
    "an assert beside another statement": "def half(n):\n    assert n; n = n // 2\n    return n\n",
    "an assert that a test of the module expects": "def half(n):\n    assert n % 2 == 0\n    return n // 2\n"
    "\n\ndef halves(ns):\n    try:\n        return [half(n) for n in ns]\n"
    "    except AssertionError:\n        return []\n",
    "an assert where the new error is handled": "def half(n):\n    assert n % 2 == 0\n    return n // 2\n\n\n"
    "def read(text):\n    try:\n        return half(int(text))\n"
    "    except ValueError:\n        return None\n",
    "an assert that is always true": "def half(n):\n    assert (n % 2 == 0, 'even')\n    return n // 2\n",
    "an attribute that may be missing": "import os\n\n\nclass Spill:\n    def close(self):\n        try:\n"
    "            os.remove(self.path)\n        except Exception:\n            pass\n",
    "a name that may be missing": "import os\n\n\ndef f(many):\n    for one in many:\n        last = one\n"
    "    try:\n        os.remove(last)\n    except Exception:\n        pass\n",
    "a name that is taken away": "import os\n\n\ndef f(path):\n    if path:\n        del path\n    try:\n"
    "        os.remove(path)\n    except Exception:\n        pass\n",
    "somebody's own hook": "import shutil\n\n\ndef f(path, hook):\n    try:\n"
    "        shutil.rmtree(path, onerror=hook)\n    except Exception:\n        pass\n",
    "an error of one's own name": "import os\n\n\nclass OSError(Exception):\n    pass\n\n\n"
    "def f(path):\n    try:\n        os.remove(path)\n    except Exception:\n        pass\n",
    "a loader of one's own": "import yaml\n\n\ndef read(t):\n    return yaml.load(t, Loader=Mine)\n",
    "another load": "def load(t):\n    return t\n\n\ndef read(t):\n    return load(t)\n",
    "a yaml that is no module": "def read(yaml, t):\n    return yaml.load(t)\n",
    "a pipe": 'import subprocess\n\n\ndef f(p):\n    return subprocess.run(f"cat {p} | wc", shell=True)\n',
    "a value in quotes for the shell": "import subprocess\n\n\ndef f(p):\n"
    "    return subprocess.run(f\"cat '{p}'\", shell=True)\n",
    "a program that is a value": "import subprocess\n\n\ndef f(p):\n"
    '    return subprocess.run(p + " -v", shell=True)\n',
    "a command without values": 'import subprocess\n\n\ndef f():\n    subprocess.run("ls -l", shell=True)\n',
    "a name of a table": 'import sqlite3\n\n\ndef f(db, t):\n    db.execute(f"select * from {t}")\n',
    "a name of a column": 'import sqlite3\n\n\ndef f(db, c):\n    db.execute(f"select a, {c} from t")\n',
    "another database": 'def f(db, x):\n    db.execute(f"select * from t where a = {x}")\n',
    "a part of a word of SQL": "import sqlite3\n\n\ndef f(db, x):\n"
    "    db.execute(f\"select * from t where a like '%{x}%'\")\n",
    "a list in one text": "import sqlite3\n\n\ndef f(db, xs):\n"
    "    db.execute(f\"select * from t where a in ({','.join(xs)})\")\n",
    "a list in quotes in one text": "import sqlite3\n\n\ndef f(db, xs):\n"
    "    db.execute(f\"select * from t where a in ('{xs}')\")\n",
    "a table before its column": "import sqlite3\n\n\ndef f(db, t):\n"
    '    db.execute(f"select * from a, b where a.x = {t}.x")\n',
    "the beginning of a number": "import sqlite3\n\n\ndef f(db, x):\n"
    '    db.execute(f"select * from t where a = {x}1")\n',
    "eval of an expression": 'def f():\n    return eval("1 + f()")\n',
    "eval with names": "def f(t):\n    return eval(t, {})\n",
    "an eval of one's own": "def eval(t):\n    return t\n\n\ndef f(t):\n    return eval(t)\n",
    "an archive of somebody": "import tarfile\n\n\ndef f(archive):\n    archive.extractall()\n",
    "chosen members": "import tarfile\n\n\ndef f(p, m):\n    tarfile.open(p).extractall(members=m)\n",
    "a name for a folder": "import os\nimport tempfile\n\n\ndef f():\n    p = tempfile.mktemp()\n"
    "    os.mkdir(p)\n",
    "a draw that is no secret": "import random\n\n\ndef colour(cs):\n    return random.choice(cs)\n",
    "draws that are repeated": "import random\n\nrandom.seed(1)\n\n\ndef token(cs):\n"
    "    return random.choice(cs)\n",
    "a hash of a password": "import hashlib\n\n\ndef check(password):\n"
    '    """A checksum of the password."""\n    return hashlib.md5(password).digest()\n',
    "a hash of anything": "import hashlib\n\n\ndef f(x):\n    return hashlib.md5(x).digest()\n",
    "an assert about what was made": "def f(n):\n    m = n + 1\n    assert m > n\n    return m\n",
    "a handler that does something": "import os\n\n\ndef f(p):\n    try:\n        os.remove(p)\n"
    "    except Exception:\n        print(p)\n",
    "a handler around unknown calls": "def f(g):\n    try:\n        g()\n    except Exception:\n"
    "        pass\n",
    "a call inside of a known call": "def f(g):\n    try:\n        int(g())\n    except Exception:\n"
    "        pass\n",
    "pickle, which is only told": "import pickle\n\n\ndef f(data):\n    return pickle.loads(data)\n",
}
