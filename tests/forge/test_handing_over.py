"""What a stage is handed is of the kind that it asks for, or the run ends before the stage begins."""

from dataclasses import replace

import pytest

from bloomery.core.errors import Failure
from bloomery.core.workspace import Workspace
from bloomery.forge import pipeline
from bloomery.forge.handing_over import check_kinds
from bloomery.forge.stage import Port
from tests.forge import toy
from tests.forge.toy import toy_plan

MODEL, LATENT = Port(name="model", meaning="a model"), Port(name="latent", kind="latent model", meaning="its")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "ship", lambda run, model, card: model)
    monkeypatch.setattr(pipeline, "render_html", lambda data, charts: "")
    return Workspace.open(tmp_path)


def kept(place, content, kind):
    cid = place.store.put_bytes(content)
    place.catalog.add_artifact(cid, kind=kind, size_bytes=len(content), name="one")
    return cid


def test_a_stage_that_is_handed_another_kind_than_it_asks_for_is_not_begun(place, monkeypatch):
    """It asks for a latent model under a name under which a model was given."""
    asks = replace(toy.SECOND, inputs=(replace(LATENT, name="model"),))
    monkeypatch.setattr(pipeline, "ORDER", (toy.FIRST, asks))
    with pytest.raises(Failure, match=r"'second' takes 'model' of kind 'latent model'.* a 'model'"):
        pipeline.forge(place, toy_plan(first={}, second={}), engine="inline")
    (run,) = place.catalog.runs()
    assert {step.name.partition(".")[0] for step in place.catalog.steps(run.run_id)} == {"first"}
    assert run.status == "failed"


def test_what_is_of_the_kind_that_is_asked_for_is_taken(place):
    artifacts = {"model": kept(place, b"m", "model"), "latent": kept(place, b"l", "latent model")}
    taker = replace(toy.SECOND, inputs=(MODEL, LATENT, Port(name="rare", meaning="none", optional=True)))
    check_kinds(place.catalog, taker, artifacts, [MODEL, LATENT])


def test_an_artifact_that_its_step_marked_wrongly_is_named_with_its_port(place):
    cid = kept(place, b"x", "claims")
    with pytest.raises(Failure, match=f"'latent' of kind 'latent model'.* a 'claims' .*{cid}"):
        check_kinds(place.catalog, replace(toy.SECOND, inputs=(LATENT,)), {"latent": cid}, [LATENT])


def test_one_content_may_be_given_by_two_ports_of_two_kinds_and_by_none_other(place):
    """A model in full precision is its own latent model; the catalog has the kind that it heard first."""
    cid = kept(place, b"both", "latent model")
    taker = replace(toy.SECOND, inputs=(MODEL,))
    check_kinds(place.catalog, taker, {"model": cid, "latent": cid}, [MODEL, LATENT])
    with pytest.raises(Failure, match="a 'latent model'"):
        check_kinds(place.catalog, taker, {"model": cid}, [MODEL, LATENT])
    both = [replace(LATENT, name="model"), LATENT]
    with pytest.raises(Failure, match="a 'latent model'"):
        check_kinds(place.catalog, taker, {"model": cid, "latent": cid}, both)
