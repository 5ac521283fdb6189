import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from bloomery.training.callbacks import Callback, Metrics
from bloomery.training.checkpoint import load_newest
from bloomery.training.config import LossResult, TrainConfig
from bloomery.training.errors import DivergenceError, OutOfMemory
from bloomery.training.loader import Loader
from bloomery.training.loop import count_targets, loader_for, model_loss, train
from bloomery.training.schedules import curricula, staircase
from tests.training.conftest import examples, network, squared_error


class NextToken(nn.Module):
    """The smallest model with the conventions of Hugging Face: it computes its own loss from labels."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(11, 8)
        self.head = nn.Linear(8, 11)
        self.called_with = []
        self.recomputes = False

    def gradient_checkpointing_enable(self):
        self.recomputes = True

    def forward(self, input_ids, labels, recursion_steps=None):
        self.called_with.append((tuple(input_ids.shape), recursion_steps))
        if self.recomputes:
            hidden = torch.utils.checkpoint.checkpoint(self.embed, input_ids, use_reentrant=False)
        else:
            hidden = self.embed(input_ids)
        logits = self.head(hidden)[:, :-1].flatten(0, 1)
        loss = nn.functional.cross_entropy(logits, labels[:, 1:].flatten(), ignore_index=-100)
        return SimpleNamespace(loss=loss, losses={"twice": 2 * loss})


def sentences(count=24, length=6):
    generator = torch.Generator().manual_seed(0)
    rows = torch.randint(0, 11, (count, length), generator=generator)
    labels = rows.clone()
    for number, row in enumerate(labels):
        row[: number % length] = -100  # rows differ in how much there is to learn
    return [{"input_ids": row, "labels": label} for row, label in zip(rows, labels, strict=True)]


def token_run(model=None, data=None, **settings):
    options = {k: settings.pop(k) for k in list(settings) if k not in TrainConfig.__dataclass_fields__}
    config = TrainConfig(**{"steps": 3, "micro_batch": 4, "device": "cpu", "clip_norm": None} | settings)
    model = model or NextToken()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    batches = options.pop("batches", None) or loader_for(data or sentences(), config)
    outcome = train(model, batches, optimizer=optimizer, config=config, **options)
    return model, outcome


def test_training_lowers_the_loss_of_a_learnable_regression(regression):
    one = regression(model=network(dropout=0.0))
    data = examples()
    start = sum(squared_error(one.model, item).loss.item() for item in data)
    outcome = one.train(config={"steps": 60}, schedule=None)
    end = sum(squared_error(one.model, item).loss.item() for item in data)
    assert outcome.stopped == "finished"
    assert end < 0.3 * start


@pytest.mark.parametrize(("micro_batch", "accumulate"), [(12, 1), (6, 2), (4, 3), (1, 12)])
def test_accumulation_gives_the_gradient_of_the_whole_batch_though_rows_differ_in_targets(
    micro_batch, accumulate
):
    whole, _ = token_run(micro_batch=12, seed=3)
    parts, outcome = token_run(micro_batch=micro_batch, accumulate=accumulate, seed=3)
    for p, q in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-5, atol=1e-6)  # sums in another order, float32
    assert outcome.steps == 3


def test_the_first_step_is_that_of_plain_torch():
    model, _ = token_run(steps=1, micro_batch=24)
    reference = NextToken()
    rows = sentences()
    batch = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    reference(**batch).loss.backward()
    for p, q in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(p, q - 0.5 * q.grad, rtol=1e-5, atol=1e-6)


def test_clipping_bounds_the_step_and_reports_the_norm_before_it(regression):
    one = regression()
    before = [p.detach().clone() for p in one.model.parameters()]
    seen = {}

    class Norm(Callback):
        def on_report(self, model, progress):
            seen.update(progress.metrics)

    one.train(
        optimizer=torch.optim.SGD(one.model.parameters(), lr=1.0),
        config={"steps": 1, "clip_norm": 0.01},
        schedule=None,
        callbacks=[Norm()],
    )
    moved = math.sqrt(
        sum(((p - q) ** 2).sum().item() for p, q in zip(one.model.parameters(), before, strict=True))
    )
    assert seen["gradient_norm"] > 0.02
    assert moved == pytest.approx(0.01, rel=1e-3)


def test_the_schedule_multiplies_each_groups_own_rate(regression):
    one = regression()
    optimizer = torch.optim.SGD(
        [
            {"params": [*one.model[0].parameters()], "lr": 0.4},
            {"params": [*one.model[3:].parameters()], "lr": 0.1},
        ]
    )
    one.train(optimizer=optimizer, schedule=lambda step: 1 / (step + 1), config={"steps": 2})
    assert [group["lr"] for group in optimizer.param_groups] == [0.2, 0.05]


def test_curricula_reach_the_model_step_by_step():
    prepare = curricula(sequence_length=staircase({0: 3, 2: 6}), recursion_steps=staircase({0: 1, 1: 2}))
    data = [{"input_ids": torch.arange(6), "labels": torch.arange(6)}] * 8
    model, _ = token_run(data=data, prepare=prepare)
    assert model.called_with == [((4, 3), 1), ((4, 3), 2), ((4, 6), 2)]


def test_targets_are_the_labels_that_are_learned():
    labels = torch.tensor([[5, -100, 3], [7, 1, -100]])
    assert count_targets({"labels": labels}) == 2  # the first of each row has nothing before it
    assert count_targets({"labels": torch.tensor([1, -100, 4])}) == 2
    assert count_targets({"x": labels}) == count_targets(labels) == 1


def test_a_run_counts_its_targets():
    data = [{"input_ids": torch.arange(6), "labels": torch.arange(6)}] * 8
    assert token_run(data=data, accumulate=2)[1].targets == 3 * 2 * 4 * 5


def test_a_step_without_targets_is_refused():
    data = [{"input_ids": torch.arange(6), "labels": torch.full((6,), -100)}] * 8
    with pytest.raises(ValueError, match="step 1 has nothing to learn from"):
        token_run(data=data)


def masked_mean(model, batch):
    """A loss by hand, whose gradient over no targets is 0 / 0 too."""
    logits = model.head(model.embed(batch["input_ids"]))[:, :-1]
    learned = (batch["labels"][:, 1:] != -100).float()
    losses = nn.functional.cross_entropy(
        logits.transpose(1, 2), batch["labels"][:, 1:].clamp(0), reduction="none"
    )
    return (losses * learned).sum() / learned.sum()


@pytest.mark.parametrize("loss", [model_loss, masked_mean])
def test_a_micro_batch_without_targets_counts_for_nothing(loss):
    empty = {"input_ids": torch.arange(6), "labels": torch.full((6,), -100)}
    data = [*sentences(4), *[empty] * 4]
    parts, outcome = token_run(batches=Loader(data, 4, shuffle=False), accumulate=2, steps=1, loss=loss)
    alone, reference = token_run(batches=Loader(data[:4], 4, shuffle=False), steps=1, loss=loss)
    assert outcome.last_loss == reference.last_loss
    assert all(torch.equal(p, q) for p, q in zip(parts.parameters(), alone.parameters(), strict=True))


def test_the_models_own_parts_of_the_loss_are_reported_as_means(regression):
    reports = []

    class Keep(Callback):
        def on_report(self, model, progress):
            reports.append((progress.step, dict(progress.metrics), progress.loss))

    token_run(steps=4, report_every=2, callbacks=[Keep()])
    assert [step for step, _, _ in reports] == [2, 4]
    for _, metrics, _ in reports:
        assert metrics["twice"] == pytest.approx(2 * metrics["loss"], rel=1e-6)
    assert set(reports[0][1]) == {"loss", "twice", "gradient_norm", "learning_rate"}


def test_a_loss_may_be_a_bare_tensor(regression):
    outcome = regression().train(loss=lambda model, batch: squared_error(model, batch).loss)
    assert outcome.stopped == "finished"


def test_the_models_loss_needs_no_parts():
    model = lambda **batch: SimpleNamespace(loss=torch.tensor(2.0))  # noqa: E731
    assert model_loss(model, {"labels": 1}) == LossResult(torch.tensor(2.0), {})


def test_validation_runs_in_eval_mode_without_gradients_and_keeps_the_extremes(regression):
    modes = []

    def validate(model):
        modes.append((model.training, torch.is_grad_enabled()))
        return {"score": [0.5, 0.9, 0.1, 0.3][len(modes) - 1]}

    one = regression()
    outcome = one.train(validate=validate)
    assert modes == [(False, False)] * 4
    assert one.model.training
    assert (outcome.lowest, outcome.highest, outcome.validation) == (
        {"score": 0.1},
        {"score": 0.9},
        {"score": 0.3},
    )


def test_without_an_interval_validation_runs_once_at_the_end(regression):
    calls = []
    regression().train(config={"evaluate_every": 0}, validate=lambda model: calls.append(1) or {"score": 1.0})
    assert len(calls) == 1


def test_a_stop_request_saves_at_the_step_and_says_so(regression, tmp_path):
    outcome = regression().train(tmp_path, should_stop=lambda: True)
    assert (outcome.stopped, outcome.steps) == ("requested", 1)
    assert load_newest(tmp_path).step == 1


def test_checkpoints_fall_on_their_interval_and_on_the_end(regression, tmp_path):
    written = []

    class Keep(Callback):
        def on_checkpoint(self, path, progress):
            written.append((path.name, progress.step, path.exists()))

    regression().train(tmp_path, config={"steps": 10}, callbacks=[Keep()])
    assert written == [("step-00000004", 4, True), ("step-00000008", 8, True), ("step-00000010", 10, True)]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_loss_that_is_not_a_number_stops_names_the_step_and_keeps_the_last_good_checkpoint(
    regression, tmp_path
):
    calls = iter(range(1000))

    def poisoned(model, batch):
        result = squared_error(model, batch)
        return LossResult(result.loss * (math.nan if next(calls) == 3 * 6 + 2 else 1.0), result.metrics)

    one = regression()
    with pytest.raises(
        DivergenceError, match=r"step 7: the loss is not finite \(loss = nan, absolute = 0"
    ) as caught:
        one.train(tmp_path, loss=poisoned)
    assert caught.value.step == 7
    assert caught.value.last_good == tmp_path / "step-00000004"
    assert load_newest(tmp_path).step == 4
    assert all(bool(p.isfinite().all()) for p in one.model.parameters())
    assert one.train(tmp_path).stopped == "finished"


def test_a_gradient_that_is_not_a_number_is_named_by_its_parameter(regression):
    def steep(model, batch):
        loss = squared_error(model, batch).loss
        return loss + torch.sqrt(model[5].bias.sum() - model[5].bias.sum()).clamp(max=0.0)

    with pytest.raises(
        DivergenceError, match=r"step 1: the gradient is not finite in 5\.bias.*no checkpoint was"
    ):
        regression().train(loss=steep)


def test_weights_that_are_not_finite_are_never_saved(regression, tmp_path):
    class Break(Callback):
        def on_step(self, model, progress):
            if progress.step == 8:
                model[0].weight.data[0, 0] = math.inf

    with pytest.raises(DivergenceError, match=r"step 8: the weights are not finite in 0\.weight"):
        regression().train(tmp_path, callbacks=[Break()])
    assert load_newest(tmp_path).step == 4


def test_a_run_that_saves_nothing_does_not_end_with_weights_that_are_not_finite_either(regression):
    one = regression()
    huge = torch.optim.SGD(one.model.parameters(), lr=3e38)
    loss = lambda model, batch: squared_error(model, batch).loss * 100  # noqa: E731
    with pytest.raises(DivergenceError, match="step 1: the weights are not finite"):
        one.train(optimizer=huge, schedule=None, loss=loss, config={"steps": 1, "clip_norm": None})


def test_running_out_of_memory_says_what_to_set(regression):
    def hungry(model, batch):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    with pytest.raises(
        OutOfMemory, match=r"step 1 does not fit.*micro_batch 4, accumulate 3, fp32.*micro_batch: 2"
    ):
        regression().train(loss=hungry)


def test_other_runtime_errors_pass_unchanged(regression):
    def broken(model, batch):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match=r"^mat1 and mat2"):
        regression().train(loss=broken)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_computes_in_it_and_keeps_float32_weights(regression, precision):
    dtypes = set()

    def watch(model, batch):
        output = model(batch["x"])
        dtypes.add(output.dtype)
        return ((output.float() - batch["y"]) ** 2).mean()

    one, reference = regression(), regression()
    one.train(loss=watch, config={"precision": precision})
    reference.train()
    assert dtypes == {{"bf16": torch.bfloat16, "fp16": torch.float16}[precision]}
    assert {p.dtype for p in one.model.parameters()} == {torch.float32}
    for p, q in zip(one.model.parameters(), reference.model.parameters(), strict=True):
        assert (p - q).abs().max() < 0.1  # 12 steps of at most 0.02 * 0.2 * sqrt(16) each


def test_fp16_passes_over_steps_that_overflow_and_gives_up_when_all_do(regression):
    one = regression()
    before = [p.detach().clone() for p in one.model.parameters()]
    loss = lambda model, batch: squared_error(model, batch).loss * 1e38  # noqa: E731

    with pytest.raises(DivergenceError, match="fp16 overflowed in 50 steps in a row"):
        one.train(loss=loss, config={"precision": "fp16", "steps": 60})
    assert all(torch.equal(p, q) for p, q in zip(one.model.parameters(), before, strict=True))


def test_a_step_that_was_passed_over_has_no_gradient_norm_to_report(regression):
    one = regression()
    loss = lambda model, batch: squared_error(model, batch).loss * 1e37  # noqa: E731
    one.train(
        loss=loss, config={"precision": "fp16", "steps": 2, "report_every": 1}, callbacks=[Metrics(one.sink)]
    )
    assert ("train/loss", 1) in one.reported
    assert ("train/gradient_norm", 1) not in one.reported


def test_gradient_checkpointing_changes_memory_and_not_the_result():
    plain, _ = token_run()
    recomputing, _ = token_run(gradient_checkpointing=True)
    assert recomputing.recomputes
    assert all(torch.equal(p, q) for p, q in zip(plain.parameters(), recomputing.parameters(), strict=True))


def test_gradient_checkpointing_of_a_model_without_it_is_refused(regression):
    with pytest.raises(ValueError, match="Sequential has no gradient_checkpointing_enable"):
        regression().train(config={"gradient_checkpointing": True})


@pytest.mark.slow
def test_a_compiled_model_trains_as_an_eager_one(regression):
    eager, compiled = regression(model=network(0.0)), regression(model=network(0.0))
    eager.train()
    compiled.train(config={"compile": True, "compile_backend": "aot_eager"})
    for p, q in zip(eager.model.parameters(), compiled.model.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-5)  # fused operations round differently


def test_compiling_uses_the_backend_that_is_named(regression, monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "compile", lambda model, backend: asked.append(backend) or model)
    regression().train(config={"compile": True, "compile_backend": "aot_eager"})
    regression().train()
    assert asked == ["aot_eager"]


def test_a_gpu_that_is_not_there_is_refused(regression, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="device is 'cuda' and torch sees no GPU"):
        regression().train(config={"device": "cuda"})


def test_batches_may_be_nested_and_hold_what_is_no_tensor(regression):
    class Pairs:
        def __len__(self):
            return 8

        def __getitem__(self, index):
            return examples(8)[index]

    def collate(items):
        return [
            "note",
            {"x": torch.stack([item["x"] for item in items])},
            torch.stack([i["y"] for i in items]),
        ]

    def loss(model, batch):
        assert batch[0] == "note"
        return ((model(batch[1]["x"]) - batch[2]) ** 2).mean()

    outcome = regression().train(batches=Loader(Pairs(), 4, collate=collate), loss=loss)
    assert outcome.stopped == "finished"
