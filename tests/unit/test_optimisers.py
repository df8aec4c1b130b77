"""Which optimiser holds which parameter, and the learning rate over time."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from phraseloom.models.phrase_vae import PhraseVAE, PhraseVAEConfig
from phraseloom.training.muon import Muon
from phraseloom.training.optimisers import OptimiserSettings, build_optimisers, learning_rate_factor

TINY = PhraseVAEConfig(width=32, num_heads=2, encoder_layers=1, decoder_layers=1, latent_size=13)


@pytest.fixture
def network() -> PhraseVAE:
    return PhraseVAE(TINY)


def held(optimiser: torch.optim.Optimizer) -> list[int]:
    return [id(parameter) for group in optimiser.param_groups for parameter in group["params"]]


def linear_weights(network: nn.Module) -> set[int]:
    return {id(module.weight) for module in network.modules() if isinstance(module, nn.Linear)}


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_every_parameter_is_held_once(network, kind):
    optimisers = build_optimisers(network, OptimiserSettings(kind=kind))
    ids = [parameter for optimiser in optimisers for parameter in held(optimiser)]
    assert sorted(ids) == sorted(id(parameter) for parameter in network.parameters())


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_a_frozen_parameter_is_held_by_none(network, kind):
    network.to_posterior.requires_grad_(False)
    optimisers = build_optimisers(network, OptimiserSettings(kind=kind))
    ids = {parameter for optimiser in optimisers for parameter in held(optimiser)}
    assert ids.isdisjoint(id(parameter) for parameter in network.to_posterior.parameters())
    assert len(ids) == len(list(network.parameters())) - 2


def test_muon_takes_the_matrices_of_layers_and_no_embedding(network):
    adamw, muon = build_optimisers(network, OptimiserSettings(kind="muon"))
    assert isinstance(adamw, torch.optim.AdamW)
    assert isinstance(muon, Muon)
    assert set(held(muon)) == linear_weights(network)
    assert id(network.header_embedding.weight) in held(adamw)


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_only_matrices_decay(network, kind):
    optimisers = build_optimisers(network, OptimiserSettings(kind=kind, weight_decay=0.3))
    decayed = {
        id(parameter)
        for optimiser in optimisers
        for group in optimiser.param_groups
        if group["weight_decay"]
        for parameter in group["params"]
    }
    assert decayed == linear_weights(network)
    assert {group["weight_decay"] for optimiser in optimisers for group in optimiser.param_groups} == {0.0, 0.3}


def test_muon_s_steps_are_of_the_size_of_adamw_s():
    """One learning rate serves both: a first step of AdamW moves each weight by the rate, one of Muon by 0.2 of it."""
    torch.manual_seed(0)
    model = nn.Linear(64, 64)
    before = model.weight.detach().clone(), model.bias.detach().clone()
    optimisers = build_optimisers(model, OptimiserSettings(kind="muon", learning_rate=0.01, weight_decay=0.0))
    model(torch.randn(128, 64)).square().sum().backward()
    for optimiser in optimisers:
        optimiser.step()
    moved = [
        (after - old).square().mean().sqrt().item()
        for after, old in zip((model.weight, model.bias), before, strict=True)
    ]
    assert moved[0] == pytest.approx(0.2 * 0.01, rel=0.2)
    assert moved[1] == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(
    ("step", "factor"),
    [(0, 0.25), (1, 0.5), (2, 0.75), (3, 1), (9, 1), (10, 1), (11, 0.9), (15, 0.5), (19, 0.1), (20, 0), (25, 0)],
)
def test_the_learning_rate_rises_stays_and_falls(step, factor):
    settings = OptimiserSettings(warmup_steps=3, cooldown_share=0.5)
    assert learning_rate_factor(step, 20, settings) == pytest.approx(factor)


def test_without_rise_and_fall_the_learning_rate_is_the_peak():
    settings = OptimiserSettings(warmup_steps=0, cooldown_share=0)
    assert {learning_rate_factor(step, 20, settings) for step in range(20)} == {1.0}


def test_a_run_shorter_than_its_rise_still_falls():
    settings = OptimiserSettings(warmup_steps=100, cooldown_share=1.0)
    factors = [learning_rate_factor(step, 10, settings) for step in range(10)]
    assert min(factors) > 0
    assert max(factors) == pytest.approx(10 / 101)


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "sgd"}, {"learning_rate": 0}, {"weight_decay": -1}, {"cooldown_share": 1.1}, {"lr": 1e-3}],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        OptimiserSettings(**wrong)
