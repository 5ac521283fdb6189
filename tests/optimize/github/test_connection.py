import sqlite3
from pathlib import Path

import pytest

from benchmarks.github.fake import NAME, TOKEN, FakeGitHub, Fault
from bloomery.agents.keys import Key
from bloomery.core.errors import FormatRefused
from bloomery.optimize.github import errors
from bloomery.optimize.github.connection import connect

ISSUES = f"repos/{NAME}/issues"


def titles(github) -> list[str]:
    return [issue["title"] for issue in github.get_all(ISSUES, state="all")]


def fill(fake: FakeGitHub, count: int) -> None:
    for number in range(count):
        fake.open_issue(f"issue {number}")


def test_what_is_unchanged_costs_nothing_in_another_process_too(fake, opened):
    fill(fake, 230)
    with opened() as first:
        before = titles(first)
        assert (first.traffic.charged, first.traffic.unchanged) == (3, 0)
    left = fake.remaining
    with opened() as second:
        assert titles(second) == before == [f"issue {number}" for number in range(230)]
        assert (second.traffic.charged, second.traffic.hit_rate) == (0, 1.0)
    assert fake.remaining == left
    assert fake.statuses_seen == [200] * 3 + [304] * 3


def test_what_changed_is_asked_for_again_and_then_kept(fake, opened):
    number = fake.open_issue("slow")
    seen = []
    for title in ("slow", "slower", "slower", "slowest", "slowest"):
        fake.issues[number]["title"] = title
        with opened() as github:
            seen.append(github.get(f"{ISSUES}/{number}")["title"])
    assert seen == ["slow", "slower", "slower", "slowest", "slowest"]
    assert fake.statuses_seen == [200, 200, 304, 200, 304]


def test_an_item_on_a_new_page_is_found_though_the_first_page_is_unchanged(fake, opened):
    fill(fake, 100)
    with opened() as github:
        titles(github)
    fill(fake, 1)
    with opened() as github:
        assert len(titles(github)) == 101


def test_another_token_gets_its_own_answer(fake, opened):
    fake.open_issue("for ada")
    with opened() as github:
        assert titles(github) == ["for ada"]
    fake.token = "ghp_" + "z9" * 20
    fake.issues[1]["title"] = "for ben"
    with opened(fake.token) as github:
        assert titles(github) == ["for ben"]


@pytest.mark.parametrize("kind", ["500", "502", "lost_before", "lost_after", "half", "nonsense"])
def test_a_read_goes_on_after_a_passing_fault(fake, github, kind):
    fake.open_issue("slow")
    fake.faults = [Fault(kind, times=1 if kind == "nonsense" else 2)]
    if kind == "nonsense":
        with pytest.raises(errors.Unreachable, match="without JSON"):
            titles(github)
    assert titles(github) == ["slow"]


@pytest.mark.parametrize("kind", ["500", "lost_before", "half"])
def test_a_read_ends_cleanly_after_a_lasting_fault(fake, github, clock, kind):
    fake.open_issue("slow")
    fake.faults = [Fault(kind, times=100)]
    with pytest.raises(errors.Unreachable):
        titles(github)
    assert clock.slept == [1.0, 2.0, 4.0]
    assert len(fake.calls) == 4


@pytest.mark.parametrize("kind", ["500", "502", "lost_before", "lost_after", "half"])
def test_a_change_that_may_have_been_made_is_not_sent_twice(fake, github, kind):
    fake.faults = [Fault(kind, "POST")]
    with pytest.raises(errors.Unsure):
        github.change("POST", ISSUES, {"title": "slow"})
    assert fake.count("POST") == 1


def test_a_change_is_sent_again_where_no_connection_was_made(fake, opened, clock, monkeypatch):
    import httpx

    real, failures = httpx.HTTPTransport.handle_request, [httpx.ConnectError("refused")] * 2

    def flaky(self, request):
        if failures:
            raise failures.pop()
        return real(self, request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", flaky)
    with opened() as github:
        github.change("POST", ISSUES, {"title": "slow"})
    assert len(fake.issues) == 1


def test_an_expired_token_is_said_so(fake, opened):
    with (
        opened("ghp_" + "y7" * 20) as github,
        pytest.raises(errors.TokenExpired, match="was revoked"),
    ):
        titles(github)


def test_what_the_token_may_not_do_and_what_is_not_there_are_told_apart(fake, github):
    fake.faults = [Fault("403")]
    with pytest.raises(errors.Forbidden, match="not accessible by integration"):
        titles(github)
    with pytest.raises(errors.NotThere):
        github.get(f"{ISSUES}/77")
    assert fake.statuses_seen == [403, 404]


def test_an_error_is_never_kept_as_an_answer(fake, opened):
    number = fake.open_issue("slow")
    with opened() as github:
        github.get(f"{ISSUES}/{number}")
        fake.faults = [Fault("404")]
        with pytest.raises(errors.NotThere):
            github.get(f"{ISSUES}/{number}")
        assert github.get(f"{ISSUES}/{number}")["title"] == "slow"
    assert fake.statuses_seen == [200, 404, 304]


def test_the_token_is_nowhere_on_disk_in_no_error_and_in_no_log(fake, opened, tmp_path: Path, capfd):
    fake.open_issue("slow")
    for kind in ("", "500", "lost_before", "half", "401", "403"):
        fake.faults = [Fault(kind, times=9)] if kind else []
        with opened() as github:
            try:
                titles(github)
            except errors.UserError as error:
                said = repr(error) + str(error)
            except errors.Failure as error:
                said = repr(error) + str(error)
            else:
                said = repr(github)
        assert TOKEN not in said
    assert f"Bearer {TOKEN}" in fake.seen_tokens
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any("answers.sqlite" in path.name for path in files)
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
    shown = capfd.readouterr()
    assert TOKEN not in shown.out + shown.err
    with sqlite3.connect(tmp_path / "answers" / "answers.sqlite") as kept:
        assert kept.execute("SELECT count(*) FROM entries").fetchone() == (1,)
    kept.close()


def test_a_server_that_repeats_the_token_is_not_quoted(fake, opened):
    token = "correct-horse-battery-staple"  # of no form that is known
    fake.faults = [Fault("echo")]
    with opened(token) as github, pytest.raises(errors.Rejected) as caught:
        titles(github)
    assert "you sent" in str(caught.value)
    assert token not in str(caught.value)


def test_a_redirect_to_another_server_does_not_get_the_token(fake, opened, tmp_path: Path):
    with FakeGitHub(fake.bare, token=None) as other:
        other.open_issue("elsewhere")
        from benchmarks.github import fake as fake_github

        def moved(self) -> None:
            self.say(302, None, headers={"location": f"{other.url}/repos/{NAME}/issues"})

        real = fake_github.Talk.serve
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                fake_github.Talk, "serve", lambda talk: moved(talk) if talk.fake is fake else real(talk)
            )
            with opened() as github:
                assert github.get(ISSUES)[0]["title"] == "elsewhere"
        assert other.seen_tokens == [None]


def test_a_damaged_cache_is_made_anew(fake, opened, tmp_path: Path):
    fake.open_issue("slow")
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "answers.sqlite").write_bytes(b"no database at all" * 100)
    for _ in range(2):
        with opened() as github:
            assert titles(github) == ["slow"]
    assert fake.statuses_seen == [200, 304]


def test_a_token_goes_to_no_address_without_encryption(tmp_path: Path):
    with pytest.raises(FormatRefused, match="https"), connect(NAME, folder=tmp_path, token=Key(TOKEN),
                                                              url="http://api.github.example"):  # fmt: skip
        pass


@pytest.mark.parametrize("name", ["ada", "ada/engine/x", "../engine", "ada/..", "ada/en gine", "ada/e?x"])
def test_what_is_no_name_of_a_repository_is_refused(tmp_path: Path, name):
    with pytest.raises(FormatRefused, match="owner/name"), connect(name, folder=tmp_path):
        pass
