"""What a faulty call leaves behind: files, descriptors, locks, and whether it can be called again."""

from collections.abc import Iterator, Mapping, Sequence

from bloomery.optimize.faults.sighting import Record, Sighting, Steady, Where


def left(steady: Steady, record: Record, number: int, where: Where, *, whole: bool) -> Iterator[Sighting]:
    """Files and descriptors; `whole`: what was written must be as it would be otherwise."""
    call, usual = record["calls"][number], steady.record["calls"][number]
    earlier = call["start"]
    if whole:
        yield from _torn(steady, earlier, usual["files"], call["files"], where)
    struck = {(one[0], one[1]) for one in record["fired"]}
    clumsy = len(struck) > 1 or any(seam in ("remove", "list") for seam, _ in struck)  # cannot be removed
    known = {*usual["files"], *earlier, *steady.record["whole"]}
    extra = sorted(path for path in call["files"] if path not in known or _gone(path, steady, earlier, usual))
    if extra and not clumsy:
        yield Sighting("left behind", *where, f"{extra[0]} stays")
    more = [one for one in call["collected"] if one not in usual["collected"]]
    if more:
        yield Sighting("leak", *where, f"{more[0][0]} is not closed")
    elif len(call["handles"]) > len(usual["handles"]) or call["open"] > usual["open"]:
        yield Sighting("leak", *where, f"{(call['handles'] or ['a file'])[-1]} stays open")


def _gone(path: str, steady: Steady, earlier: Mapping[str, str], usual: Record) -> bool:
    """Written for a while only: neither there before nor afterwards."""
    return path not in earlier and path not in usual["files"] and path in steady.record["whole"]


def _torn(
    steady: Steady, before: Mapping[str, str], after: Mapping[str, str], now: Mapping[str, str], where: Where
) -> Iterator[Sighting]:
    for path in sorted({*before, *after}):
        whole = {before.get(path), after.get(path), *steady.record["whole"].get(path, ())}
        if now.get(path) in whole:
            continue
        if path in steady.record["appended"] or path in steady.fleeting:
            continue
        state = "is gone" if path not in now else "holds neither what it held nor what it should"
        yield Sighting("torn file", *where, f"{path} {state}")


def afterwards(steady: Steady, number: int, call: Record, where: Where) -> Iterator[Sighting]:
    """The same call once more without a fault: as if for the first or for the second time."""
    again, retry = steady.again.get(number), call.get("retry")
    if again is None or retry is None:
        return
    if retry.get("hung"):
        yield Sighting("unusable afterwards", *where, f"called again, {retry['hung']}")
    if retry.get("hung") or number in steady.unstable:
        return
    once, second = again["calls"][number], again["calls"][number]["retry"]
    lax = steady.record["appended"]
    if "outcome" in retry and not any(_alike(retry, other, lax) for other in (once, second)):
        how = retry["kinds"][0] if retry["outcome"] == "raised" else "another result"
        yield Sighting("unusable afterwards", *where, f"called again without a fault, it gives {how}")


def _alike(one: Record, other: Record, lax: Sequence[str]) -> bool:
    """Ended alike; the files that should be there are as they should be, but for those that only grow."""
    ended = all(one.get(key) == other.get(key) for key in ("outcome", "value", "kinds"))
    wanted = {path: held for path, held in other["files"].items() if path not in lax}
    return ended and not only_less(one["files"], wanted)


def killed(steady: Steady, record: Record) -> Iterator[Sighting]:
    """After a kill: whole files, and a new process does what one does otherwise."""
    where: Where = record["where"]
    call = steady.record["calls"][record["call"]]
    torn = list(_torn(steady, call["start"], call["files"], record["left"], where))
    yield from torn
    restart = record.get("restart")
    if torn or restart is None or steady.restarted is None or restart.get("lost"):
        return
    if restart["hung"]:
        yield Sighting("unusable afterwards", *where, f"started again after a kill, {restart['hung']}")
    elif not any(_as_good(restart, good, steady) for good in (steady.record, steady.restarted)):
        words = f" ({restart['ended']})" if restart["ended"] else ""
        yield Sighting("unusable afterwards", *where, f"started again after a kill, it does not do it{words}")


def _as_good(one: Record, other: Record, steady: Steady) -> bool:
    if one["ended"].partition(":")[0] != other["ended"].partition(":")[0]:
        return False
    if len(one["calls"]) != len(other["calls"]):
        return False
    lax, unstable = steady.record["appended"], steady.unstable
    pairs = enumerate(zip(one["calls"], other["calls"], strict=True))
    return all(_alike(a, b, lax) for at, (a, b) in pairs if at not in unstable)


def only_less(files: Mapping[str, str], usual: Mapping[str, str]) -> bool:
    """A file that should be there is not as it should be; what is there beside is another matter."""
    return any(files.get(path) != held for path, held in usual.items())
