"""The actor: of all that is proposed for a function, what may be best is measured next, and learned from."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from statistics import fmean
from typing import Any

from bloomery.optimize.asking import MODELS
from bloomery.optimize.methods.actor_critic.briefing import brief, chosen, kinds_of
from bloomery.optimize.methods.actor_critic.calibration import Forecast, calibrated
from bloomery.optimize.methods.actor_critic.critic import Critic
from bloomery.optimize.methods.actor_critic.features import arm, proposal_features
from bloomery.optimize.methods.actor_critic.policy import LinUcb
from bloomery.optimize.methods.method import Bench, Judged
from bloomery.optimize.methods.telling import measured, source_of
from bloomery.optimize.proposal import Goal, Proposal
from bloomery.optimize.proposers.models.functions import functions
from bloomery.optimize.remembering import key_of
from bloomery.optimize.reporting import gain
from bloomery.optimize.validating.verdict import Verdict

Seen = dict[str, Any]
MOST_KEPT = 5000  # observations: the oldest are forgotten
MODELS_SHARE = 0.25  # of the proposals that may be tried, where language models are asked
QUESTIONS = 3  # to language models about one function, each with what was measured of those before


@dataclass(frozen=True)
class Offer:
    """A proposal as policy and critic see it."""

    proposal: Proposal
    arm: str
    features: Mapping[str, float]

    @property
    def place(self) -> tuple[str, str]:
        return next(iter(self.proposal.texts)), self.proposal.function or ""


@dataclass
class ActorCritic:
    """What it learns of a goal is kept in the workspace, and is what the next run begins with."""

    name: str = "actor-critic"
    facts: dict[str, Any] = field(default_factory=dict)
    _seen: list[Seen] = field(default_factory=list)
    _best: dict[tuple[str, str], float] = field(default_factory=dict)
    _tried_on: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def improve(self, bench: Bench) -> Iterator[Judged]:
        learned = f"actor-critic {bench.task.goal}"
        self._seen = list(bench.recall(learned) or [])
        known = len(self._seen)
        offers = offers_of(bench)
        for offer in _in_turn(offers, self._policy):
            judged = self._tried(bench, offer)
            if judged is not None:
                yield judged
        for judged in self._by_models(bench):
            offers.append(offer_of(judged.proposal, bench, 0))
            yield judged
        if len(self._seen) > known:
            bench.remember(learned, self._seen[-MOST_KEPT:])
        self._tell(bench, known, len(offers))

    def _by_models(self, bench: Bench) -> Iterator[Judged]:
        """Language models act last: function by function, told what was measured there so far."""
        kinds = kinds_of(bench.task.goal)
        if not kinds or not bench.asks(MODELS):
            return
        for path in bench.task.paths:
            before = {path: (bench.task.root / path).read_text()}
            names = [one.name for one in functions(before[path])]
            for function in sorted(names, key=lambda name: -self._promise(kinds, path, name, before)):
                yield from self._asked(bench, kinds, path, function, before)

    def _promise(self, kinds: Sequence[str], path: str, function: str, before: Mapping[str, str]) -> float:
        policy = self._policy()
        return policy.bound(chosen(policy, kinds, path, function, before)[1])

    def _asked(
        self, bench: Bench, kinds: Sequence[str], path: str, function: str, before: Mapping[str, str]
    ) -> Iterator[Judged]:
        for place in range(QUESTIONS):
            kind, features = chosen(self._policy(), kinds, path, function, before)
            tried = self._tried_on[path, function]
            known = brief(Critic.taught(self._seen), kind, features, function, tried)
            proposal = next(bench.propose(proposer=MODELS, path=path, known=known), None)
            if proposal is None:
                return
            judged = self._tried(bench, offer_of(proposal, bench, place))
            if judged is not None:
                yield judged

    def _policy(self) -> LinUcb:
        return _policy(self._seen)

    def _tried(self, bench: Bench, offer: Offer) -> Judged | None:
        """None where no reward is believed to be larger than what this run has for the function already."""
        best = self._best.get(offer.place, 0.0)
        if best and self._policy().bound(offer.features) <= best:
            self.facts["not worth measuring"] = self.facts.get("not worth measuring", 0) + 1
            return None
        chance, score = Critic.taught(self._seen).predict(offer.features)
        verdict = bench.validate(offer.proposal)
        got = reward(verdict, bench.task.goal)
        self._best[offer.place] = max(best, got)
        self._learn(bench, offer, chance, score, verdict, got)
        said = {"predicted chance": chance, "predicted score": score, "measured score": got}
        judged = Judged(offer.proposal, verdict, said)
        self._tried_on[offer.place].append(measured(judged, source_of(offer.proposal), got))
        return judged

    def _learn(
        self, bench: Bench, offer: Offer, chance: float, score: float, verdict: Verdict, got: float
    ) -> None:
        key = key_of(texts=dict(offer.proposal.texts), level=bench.task.level)
        if any(one["key"] == key for one in self._seen):
            return  # a verdict that was remembered teaches nothing new
        self._seen.append(
            {
                "key": key,
                "arm": offer.arm,
                "features": dict(offer.features),
                "chance": chance,
                "score": score,
                "accepted": verdict.accepted,
                "reward": got,
            }
        )

    def _tell(self, bench: Bench, known: int, offered: int) -> None:
        forecasts = [
            Forecast(one["chance"], one["score"], one["accepted"], one["reward"]) for one in self._seen
        ]
        calibration = calibrated(forecasts[known:])
        ever = calibrated(forecasts)
        self.facts["proposals"] = offered
        self.facts["observations"] = len(self._seen)
        self.facts["calibration"] = asdict(calibration) if calibration else {}
        self.facts["calibration ever"] = asdict(ever) if ever else {}
        self.facts["arms"] = evolution(self._seen, known)
        if calibration:
            bench.say("calibration", brier=calibration.brier, rank=calibration.rank, count=calibration.count)


def offers_of(bench: Bench) -> list[Offer]:
    places: Counter[tuple[str, ...]] = Counter()
    found = []
    most = bench.task.most
    spare = round(MODELS_SHARE * most) if bench.asks(MODELS) else 0
    for one in islice(bench.propose(without=(MODELS,)), most - spare):
        key = (one.proposer, one.function or "", *sorted(one.texts))
        found.append(offer_of(one, bench, places[key]))
        places[key] += 1
    return found


def offer_of(proposal: Proposal, bench: Bench, place: int) -> Offer:
    before = {
        path: (bench.task.root / path).read_text() for path in proposal.texts if path in bench.task.paths
    }
    return Offer(proposal, arm(proposal), proposal_features(proposal, before, place))


def reward(verdict: Verdict, goal: Goal) -> float:
    """From 0 to 1: nothing for what is not accepted; of speed and memory the share that is surely saved."""
    if not verdict.accepted:
        return 0.0
    times = gain(verdict) if goal in ("speed", "memory") else None
    return 1.0 if times is None else max(0.0, 1 - 1 / max(times, 1.0))


def evolution(seen: Sequence[Seen], known: int) -> dict[str, dict[str, float | None]]:
    """By arm, the best first: how often it was pulled and its mean reward, before this run and now."""
    rows: list[tuple[float, str, dict[str, float | None]]] = []
    for name in {one["arm"] for one in seen}:
        before = [one["reward"] for one in seen[:known] if one["arm"] == name]
        now = [one["reward"] for one in seen if one["arm"] == name]
        first = fmean(before) if before else None
        row = {"pulls before": len(before), "mean before": first, "pulls": len(now), "mean": fmean(now)}
        rows.append((-fmean(now), name, row))
    return {name: row for _, name, row in sorted(rows, key=lambda row: row[:2])}


def _policy(seen: Sequence[Seen]) -> LinUcb:
    return LinUcb().learn_all(seen)


def _in_turn(offers: Sequence[Offer], policy: Any) -> Iterator[Offer]:
    """Function by function, the most promising first; within one, again and again what is best by then."""
    groups: dict[tuple[str, str], list[Offer]] = defaultdict(list)
    for offer in offers:
        groups[offer.place].append(offer)
    while groups:
        now = policy()
        bounds = {place: max(now.bound(one.features) for one in group) for place, group in groups.items()}
        place = max(bounds, key=lambda one: bounds[one])
        group = groups[place]
        offer = group.pop(now.choose([one.features for one in group]))
        if not group:
            del groups[place]
        yield offer
