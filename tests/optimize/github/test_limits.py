from email.utils import formatdate

import pytest

from bloomery.optimize.github.errors import LimitReached
from bloomery.optimize.github.limits import Limits, Pace


def headers(remaining: int, *, reset: int = 9000, date: float = 8000, limit: int = 1000, **more: str) -> dict:
    told = {"limit": str(limit), "remaining": str(remaining), "reset": str(reset)}
    return {f"x-ratelimit-{name}": value for name, value in told.items()} | {"date": formatdate(date)} | more


@pytest.fixture
def limits(clock) -> Limits:
    return Limits(Pace(now=clock.now, sleep=clock.sleep))


def test_far_from_the_limit_nothing_waits(limits, clock):
    limits.before(change=False)  # nothing is known yet
    limits.read(headers(900))
    limits.before(change=False)
    assert clock.slept == []


def test_what_is_left_is_spread_over_the_time_until_it_is_renewed(limits, clock):
    limits.read(headers(120))  # of 1000, 20 are left to others; 1000 s to go
    limits.before(change=False)
    assert clock.slept == [pytest.approx(1000 / 100)]


def test_it_slows_down_the_more_the_less_is_left(limits, clock):
    for remaining in (240, 120, 60):
        limits.read(headers(remaining))
        limits.before(change=False)
    assert clock.slept == sorted(clock.slept)
    assert len(set(clock.slept)) == 3


def test_the_reserve_is_left_to_others(limits, clock):
    limits.read(headers(20))
    with pytest.raises(LimitReached, match="20 of 1000 requests are left: 17 min to wait") as caught:
        limits.before(change=False)
    assert caught.value.wait_s == pytest.approx(1000)
    assert clock.slept == []


def test_once_it_is_renewed_it_goes_on(limits, clock):
    limits.read(headers(0))
    clock.time += 1000
    limits.before(change=False)
    assert clock.slept == []


def test_a_clock_that_is_wrong_by_a_day_changes_nothing(limits, clock):
    limits.read(headers(0, reset=90_030, date=90_000))  # by GitHub's clock it is 30 s
    limits.before(change=False)
    assert clock.slept == [pytest.approx(30)]


@pytest.mark.parametrize(
    ("told", "said", "wait_s"),
    [
        ({"retry-after": "7"}, "You have exceeded a secondary rate limit", 7),
        (headers(0, reset=8042), "API rate limit exceeded", 42),
        ({}, "You have exceeded a secondary rate limit", 60),
        ({"retry-after": "5", **headers(0)}, "secondary rate limit", 5),
    ],
)
def test_a_limit_that_was_hit_is_waited_for(limits, clock, told, said, wait_s):
    assert limits.refused(told, said, attempt=0)
    limits.pace = Pace(now=clock.now, sleep=clock.sleep, longest_s=100)
    limits.remaining = None
    limits.before(change=False)
    assert clock.slept == [pytest.approx(wait_s)]


def test_without_words_on_how_long_each_wait_is_twice_the_last(limits, clock):
    waits = []
    for attempt in range(3):
        assert limits.refused({}, "secondary rate limit", attempt)
        waits.append(limits.blocked_until - clock.now())
    assert waits == [60, 120, 240]


def test_what_is_forbidden_is_no_limit(limits):
    assert not limits.refused(headers(900), "Resource not accessible by integration", attempt=0)


def test_the_limit_of_the_search_is_not_ours(limits):
    limits.read(headers(0, **{"x-ratelimit-resource": "search"}))
    assert limits.remaining is None


def test_a_second_lies_between_two_changes(limits, clock):
    for _ in range(3):
        limits.before(change=True)
    limits.before(change=False)
    assert clock.slept == [1.0, 1.0]


@pytest.mark.parametrize("kind", ["secondary", "429", "secondary_without_headers"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_was_refused_for_a_limit_is_made_after_the_wait(fake, github, clock, kind, method):
    from benchmarks.github.fake import NAME, Fault

    fake.faults = [Fault(kind, method)]
    if method == "POST":
        github.change("POST", f"repos/{NAME}/issues", {"title": "slow"})
        assert len(fake.issues) == 1
    else:
        assert list(github.get_all(f"repos/{NAME}/issues")) == []
    assert sum(clock.slept) == pytest.approx({"secondary": 7, "429": 3}.get(kind, 60), abs=1)


def test_the_primary_limit_ends_it_with_the_time_to_wait(fake, github):
    from benchmarks.github.fake import NAME

    fake.remaining = 0
    with pytest.raises(LimitReached, match="60 min") as caught:
        github.get(f"repos/{NAME}")
    assert caught.value.wait_s == pytest.approx(3600, abs=5)
    assert github.limit()["remaining"] == 0  # asking for it is always free
