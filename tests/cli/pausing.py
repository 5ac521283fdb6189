"""A verb that is asked to stop while it works: the same command goes on, and nothing else is left."""

import os
import signal


def asked_to_stop(work):
    """The same work, at whose beginning the process is asked to stop at its next checkpoint."""

    def paused_at_once(*given, **options):
        os.kill(os.getpid(), signal.SIGTERM)
        return work(*given, **options)

    return paused_at_once


def expect_to_go_on(bloomery, command, folder, monkeypatch):
    """The command is paused as patched, writes nothing, and once unpatched goes on to `folder`/out alone."""
    said = bloomery(*command)
    assert (said.code, said.out) == (0, "")
    assert said.err.splitlines()[-1].endswith("; the same command goes on")
    assert not (folder / "out").exists()
    monkeypatch.undo()
    assert bloomery(*command).code == 0
    assert [path.name for path in folder.iterdir()] == ["out"]
