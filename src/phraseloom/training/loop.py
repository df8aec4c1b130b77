"""The one training loop, a generator: logging, progress and stopping stay with the caller.

Nothing random is kept between steps: the batch of a step follows from (seed, epoch, index), and the noise of a step
from (seed, step, process). A run that is killed therefore goes on from its last checkpoint with the same losses.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Generic, TypeVar, cast

import torch
from accelerate import Accelerator
from accelerate.utils import send_to_device
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from phraseloom.errors import CheckpointError, RequestError
from phraseloom.files import written_beside
from phraseloom.training.optimisers import OptimiserSettings, build_optimisers, learning_rate_factor
from phraseloom.training.prefetching import Batches, successive

STEPS_PER_CHECK = 20
"""How often a GPU is waited for to see that the loss is still a number. Once it is none, it stays so."""


class LoopSettings(BaseModel):
    """Length of a stage, its optimiser, and what is kept on the way."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    num_steps: int = Field(gt=0)
    """Optimiser steps in all."""
    optimiser: OptimiserSettings = OptimiserSettings()
    ema_decay: float = Field(0.999, ge=0, lt=1)
    """Decay a step of the moving average of the weights; the average is what is evaluated and shipped."""
    checkpoint_minutes: float = Field(3.0, gt=0)
    """Time between checkpoints."""
    validation_interval: int = Field(500, gt=0)
    """Steps between evaluations on held-out songs."""


Network = TypeVar("Network", bound=nn.Module)


class Objective(nn.Module, Generic[Network]):
    """Turns one batch into a loss and its terms; `network` is what is trained, averaged and shipped."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network: Network = network
        self.step = 0
        """Steps done, for what changes in the course of a run."""

    def forward(self, batch: Any) -> tuple[Tensor, Mapping[str, Tensor]]:
        raise NotImplementedError


@dataclass(frozen=True)
class StepReport(Generic[Network]):
    """One step as the caller sees it.

    Attributes:
        step: steps done, this one included.
        losses: the objective's terms and the total as `loss`, tensors so that reading them is the caller's choice.
        seconds: wall time of the step.
        averaged: the moving average of the network, for evaluation.
    """

    step: int
    losses: Mapping[str, Tensor]
    learning_rate: float
    seconds: float
    averaged: Network

    def values(self) -> dict[str, float]:
        return {name: float(value) for name, value in self.losses.items()}


def train(
    objective: Objective[Network],
    batches: Batches,
    settings: LoopSettings,
    *,
    seed: int,
    accelerator: Accelerator,
    checkpoint: Path,
    resume: bool,
    num_workers: int = 0,
) -> Iterator[StepReport[Network]]:
    """Trains `objective.network` and yields after every step; at the end the network holds its moving average.

    Args:
        checkpoint: file of the training state, written beside and renamed every few minutes and at the end, each time
            when the caller is done with the step: what it does with a step is not lost when the process is killed.
        resume: go on from `checkpoint` if it is there; else start anew.
        num_workers: processes that make the batches ahead; 0 for none.

    Raises:
        CheckpointError: `checkpoint` is damaged, or of another network or recipe.
        RequestError: there are more processes than batches, or the loss is no longer a number.
    """
    averaged = AveragedModel(objective.network, multi_avg_fn=get_ema_multi_avg_fn(settings.ema_decay))
    prepared = accelerator.prepare(objective)
    averaged.to(accelerator.device)
    averaged.n_averaged = averaged.n_averaged.cpu()  # is asked at every step, which would have to wait for a GPU
    optimisers = build_optimisers(objective.network, settings.optimiser)
    state = _TrainingState(objective.network, averaged, optimisers)
    if resume and checkpoint.exists():
        state.load(checkpoint)  # once the weights are in their place: an optimiser's state goes where they are
    steps_per_check = 1 if accelerator.device.type == "cpu" else STEPS_PER_CHECK
    last_saved = started = time.monotonic()
    upcoming = successive(batches, (state.epoch, state.batch), accelerator, num_workers)
    while state.step < settings.num_steps:
        place, batch = next(upcoming)
        factor = learning_rate_factor(state.step, settings.num_steps, settings.optimiser)
        objective.step = state.step
        losses = _take_step(prepared, batch, optimisers, factor, settings, seed, state.step, accelerator)
        averaged.update_parameters(objective.network)
        state.step += 1
        state.epoch, state.batch = place
        is_last = state.step == settings.num_steps
        is_due = is_last or time.monotonic() - last_saved > 60 * settings.checkpoint_minutes
        if is_due or state.step % steps_per_check == 0:
            _require_number(losses["loss"], state.step)
        rate = factor * settings.optimiser.learning_rate
        yield StepReport(state.step, losses, rate, time.monotonic() - started, cast(Network, averaged.module))
        if is_due:
            if accelerator.is_main_process:
                state.save(checkpoint)
            last_saved = time.monotonic()
        started = time.monotonic()
    objective.network.load_state_dict(averaged.module.state_dict())


def _require_number(loss: Tensor, step: int) -> None:
    if not torch.isfinite(loss):
        raise RequestError(
            f"the loss of step {step} is {float(loss)}: training has diverged",
            "lower the learning rate in the recipe and go on with --resume; the last checkpoint is sound",
        )


def _take_step(
    prepared: nn.Module,
    batch: Any,
    optimisers: list[torch.optim.Optimizer],
    factor: float,
    settings: LoopSettings,
    seed: int,
    step: int,
    accelerator: Accelerator,
) -> dict[str, Tensor]:
    """One update of the weights with `factor` of the peak learning rate; the losses before it."""
    torch.manual_seed((seed * 1_000_003 + step) * 4_099 + accelerator.process_index)
    loss, terms = prepared(send_to_device(batch, accelerator.device, non_blocking=True))
    accelerator.backward(loss)
    accelerator.clip_grad_norm_(prepared.parameters(), settings.optimiser.max_gradient_norm)
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = factor * settings.optimiser.learning_rate
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    return {"loss": loss.detach(), **terms}


class _TrainingState:
    """All that a run needs to go on, in one file."""

    def __init__(self, network: nn.Module, averaged: AveragedModel, optimisers: list[torch.optim.Optimizer]) -> None:
        self.network, self.averaged, self.optimisers = network, averaged, optimisers
        self.step = self.epoch = self.batch = 0

    def save(self, path: Path) -> None:
        content = {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "step": self.step,
            "epoch": self.epoch,
            "batch": self.batch,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(path) as part:
            torch.save(content, part)

    def load(self, path: Path) -> None:
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, EOFError, RuntimeError, UnpicklingError) as error:
            raise CheckpointError(
                f"the training state {path} cannot be read: {error}",
                "remove it: the stage then begins anew",
            ) from error
        try:
            self.network.load_state_dict(content["network"])
            self.averaged.load_state_dict(content["averaged"])
            for optimiser, saved in zip(self.optimisers, content["optimisers"], strict=True):
                optimiser.load_state_dict(saved)
        except (RuntimeError, ValueError, KeyError) as error:
            raise CheckpointError(
                f"the training state {path} is of another network or optimiser than the recipe's",
                "train without --resume, or into another folder with --out",
            ) from error
        self.step, self.epoch, self.batch = content["step"], content["epoch"], content["batch"]
