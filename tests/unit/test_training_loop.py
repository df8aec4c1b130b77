"""The training loop: what a killed run does when it goes on, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from multiprocessing import active_children
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from phraseloom.errors import CheckpointError, RequestError
from phraseloom.training.loop import LoopSettings, Objective, StepReport, train
from phraseloom.training.optimisers import OptimiserSettings

NUM_STEPS = 12
SETTINGS = LoopSettings(
    num_steps=NUM_STEPS, checkpoint_minutes=1e-9, ema_decay=0.9, optimiser=OptimiserSettings(warmup_steps=2)
)


class Regression(Objective[nn.Linear]):
    """A line through noisy points; the noise is the step's own, as diffusion's is."""

    def forward(self, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        loss = (self.network(batch) - batch.sum(dim=1, keepdim=True) + 0.1 * torch.randn(len(batch), 1)).square().mean()
        return loss, {"half": loss.detach() / 2}


class Points:
    """Five batches an epoch."""

    def epoch(self, epoch: int, process: int, num_processes: int) -> list[Callable[[], Tensor]]:
        generator = torch.Generator().manual_seed(epoch)
        points = torch.randn(5, 8, 4, generator=generator)
        return [lambda rows=rows: rows for rows in points[process::num_processes]]


def steps(checkpoint: Path, *, resume: bool, width: int = 4, num_workers: int = 0) -> Iterator[StepReport[nn.Linear]]:
    torch.manual_seed(0)
    return train(
        Regression(nn.Linear(width, 1)),
        Points(),
        SETTINGS,
        seed=5,
        accelerator=Accelerator(cpu=True),
        checkpoint=checkpoint,
        resume=resume,
        num_workers=num_workers,
    )


def losses(run: Iterator[StepReport[nn.Linear]]) -> dict[int, float]:
    return {report.step: report.values()["loss"] for report in run}


@pytest.mark.parametrize("killed_after", [1, 4, 5, 6, 11])
def test_a_killed_run_goes_on_with_the_same_losses(tmp_path: Path, killed_after: int) -> None:
    whole = losses(steps(tmp_path / "whole.pt", resume=False))

    killed = steps(tmp_path / "killed.pt", resume=False)
    for _ in range(killed_after):
        next(killed)
    del killed  # nothing is saved on the way out, as when the process is killed
    rest = losses(steps(tmp_path / "killed.pt", resume=True))

    assert list(whole) == list(range(1, NUM_STEPS + 1))
    assert rest
    assert rest == {step: loss for step, loss in whole.items() if step in rest}
    saved = [torch.load(tmp_path / name, weights_only=True) for name in ("whole.pt", "killed.pt")]
    for part in ("network", "averaged"):
        assert all(torch.equal(saved[0][part][name], saved[1][part][name]) for name in saved[0][part])


def test_batches_that_are_made_ahead_lead_to_the_same_losses(tmp_path: Path) -> None:
    """Also where a run goes on in the middle of an epoch, that was begun without them."""
    before = set(active_children())
    whole = losses(steps(tmp_path / "whole.pt", resume=False))
    assert losses(steps(tmp_path / "ahead.pt", resume=False, num_workers=2)) == whole

    killed = steps(tmp_path / "killed.pt", resume=False)
    for _ in range(8):
        next(killed)
    del killed
    rest = losses(steps(tmp_path / "killed.pt", resume=True, num_workers=2))
    assert rest == {step: loss for step, loss in whole.items() if step >= 8}
    assert set(active_children()) <= before


def test_a_finished_run_takes_no_more_steps(tmp_path: Path) -> None:
    losses(steps(tmp_path / "state.pt", resume=False))
    assert losses(steps(tmp_path / "state.pt", resume=True)) == {}


def test_a_diverged_run_stops_and_leaves_a_sound_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = Regression.forward

    def diverging(self: Regression, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        loss, terms = forward(self, batch)
        return (loss * float("nan") if self.step == 6 else loss), terms

    monkeypatch.setattr(Regression, "forward", diverging)
    with pytest.raises(RequestError, match="loss of step 7 is nan"):
        losses(steps(tmp_path / "state.pt", resume=False))
    saved = torch.load(tmp_path / "state.pt", weights_only=True)
    assert saved["step"] == 6
    assert all(value.isfinite().all() for value in saved["network"].values())


def test_without_resume_it_starts_anew(tmp_path: Path) -> None:
    first = losses(steps(tmp_path / "state.pt", resume=False))
    assert losses(steps(tmp_path / "state.pt", resume=False)) == first


def test_the_state_of_another_network_is_refused(tmp_path: Path) -> None:
    losses(steps(tmp_path / "state.pt", resume=False))
    with pytest.raises(CheckpointError, match="another network") as caught:
        next(steps(tmp_path / "state.pt", resume=True, width=5))
    assert "--resume" in caught.value.remedy


def test_the_average_follows_the_weights(tmp_path: Path) -> None:
    reports = list(steps(tmp_path / "state.pt", resume=False))
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    average, last = state["averaged"]["module.weight"], state["network"]["weight"]
    assert torch.equal(reports[-1].averaged.weight, average)
    assert not torch.equal(average, last)
    assert (average - last).abs().max() < last.abs().max()


def test_at_the_end_the_network_is_the_average(tmp_path: Path) -> None:
    for resume in (False, True):  # a run that has nothing left to do ends the same
        objective = Regression(nn.Linear(4, 1))
        accelerator = Accelerator(cpu=True)
        path = tmp_path / "state.pt"
        run = train(objective, Points(), SETTINGS, seed=5, accelerator=accelerator, checkpoint=path, resume=resume)
        assert len(list(run)) == (0 if resume else NUM_STEPS)
        average = torch.load(path, weights_only=True)["averaged"]["module.weight"]
        assert torch.equal(objective.network.weight, average)


def test_a_step_is_saved_when_the_caller_is_done_with_it(tmp_path: Path) -> None:
    run = steps(tmp_path / "state.pt", resume=False)
    next(run)
    assert not (tmp_path / "state.pt").exists()
    next(run)
    assert torch.load(tmp_path / "state.pt", weights_only=True)["step"] == 1


@pytest.mark.parametrize("damage", [b"", b"no state", b"PK\x03\x04"])
def test_a_damaged_state_is_refused(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "state.pt").write_bytes(damage)
    with pytest.raises(CheckpointError, match="cannot be read"):
        next(steps(tmp_path / "state.pt", resume=True))
