"""Batches made ahead in processes of their own: the same ones, at the same places, and none of the processes stays."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import islice
from types import SimpleNamespace
from typing import NamedTuple

import pytest
import torch
from accelerate import Accelerator
from torch import Tensor

from phraseloom.errors import RequestError
from phraseloom.training.prefetching import MOST_WORKERS, Place, successive, workers_for


class Rows(NamedTuple):
    """As the batches of the stages are: several tensors with names."""

    values: Tensor
    made_in: Tensor


class Numbers:
    """Epochs of three, four and five batches in turn, whose values say where they are from."""

    def epoch(self, epoch: int, process: int, num_processes: int) -> list[Callable[[], Rows]]:
        numbers = range(3 + epoch % 3)
        return [partial(self._load, epoch, number) for number in numbers[process::num_processes]]

    @staticmethod
    def _load(epoch: int, number: int) -> Rows:
        return Rows(torch.tensor([epoch, number]), torch.tensor(os.getpid()))


class Nothing:
    """A corpus that is too small."""

    def epoch(self, epoch: int, process: int, num_processes: int) -> list[Callable[[], Rows]]:
        return []


@pytest.fixture(scope="module")
def accelerator() -> Accelerator:
    return Accelerator(cpu=True)


def first_batches(accelerator: Accelerator, num_workers: int, start: Place, count: int) -> list[tuple[Place, Rows]]:
    """So many batches from `start` on, each with the place of the one behind it."""
    with closing(successive(Numbers(), start, accelerator, num_workers)) as upcoming:
        return [((epoch, index), batch) for (epoch, index), batch in islice(upcoming, count)]


def test_batches_come_one_epoch_after_the_other(accelerator):
    values = [batch.values.tolist() for _, batch in first_batches(accelerator, 0, (0, 0), 8)]
    assert values == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2], [1, 3], [2, 0]]


def test_each_comes_with_the_place_of_the_one_behind_it(accelerator):
    """The end of an epoch is a place too, from which the next one follows."""
    places = [place for place, _ in first_batches(accelerator, 0, (0, 0), 5)]
    assert places == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2)]


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("taken", [1, 2, 3, 4, 7])
def test_what_is_left_off_goes_on_from_its_place(accelerator, num_workers, taken):
    whole = first_batches(accelerator, 0, (0, 0), taken + 5)
    place, _ = whole[taken - 1]
    rest = first_batches(accelerator, num_workers, place, 5)
    assert [place for place, _ in rest] == [place for place, _ in whole[taken:]]
    assert [batch.values.tolist() for _, batch in rest] == [batch.values.tolist() for _, batch in whole[taken:]]


@pytest.mark.parametrize("start", [(0, 0), (1, 2), (2, 5)])
def test_workers_make_the_same_batches_at_the_same_places(accelerator, start):
    alone, ahead = (first_batches(accelerator, num_workers, start, 20) for num_workers in (0, 2))
    assert [place for place, _ in ahead] == [place for place, _ in alone]
    assert all(isinstance(batch, Rows) for _, batch in ahead)
    assert [batch.values.tolist() for _, batch in ahead] == [batch.values.tolist() for _, batch in alone]


def test_workers_are_processes_of_their_own_and_end_with_the_batches(accelerator):
    before = set(multiprocessing.active_children())
    made_in = {int(batch.made_in) for _, batch in first_batches(accelerator, 2, (0, 0), 8)}
    assert len(made_in) == 2
    assert os.getpid() not in made_in
    assert set(multiprocessing.active_children()) <= before
    assert {int(batch.made_in) for _, batch in first_batches(accelerator, 0, (0, 0), 8)} == {os.getpid()}


def test_processes_that_train_together_have_batches_of_their_own():
    """Of four batches the second process has every other one."""
    process = SimpleNamespace(process_index=1, num_processes=2, device=torch.device("cpu"))
    with closing(successive(Numbers(), (1, 0), process, 0)) as upcoming:
        assert [batch.values.tolist() for _, batch in islice(upcoming, 3)] == [[1, 1], [1, 3], [2, 1]]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_epoch_without_batches_is_refused(accelerator, num_workers):
    with (
        closing(successive(Nothing(), (0, 0), accelerator, num_workers)) as upcoming,
        pytest.raises(RequestError, match="too small for 1 processes") as caught,
    ):
        next(upcoming)
    assert "more songs" in caught.value.remedy


def test_a_cpu_has_no_workers(accelerator):
    assert workers_for(accelerator) == 0


@pytest.mark.parametrize(
    ("num_cores", "num_processes", "num_workers"), [(16, 1, MOST_WORKERS), (4, 1, 3), (16, 4, 3), (1, 1, 0), (2, 4, 0)]
)
def test_a_gpu_has_those_cores_that_are_left_over(monkeypatch, num_cores, num_processes, num_workers):
    monkeypatch.setattr(os, "cpu_count", lambda: num_cores)
    gpu = SimpleNamespace(num_processes=num_processes, device=torch.device("cuda"))
    assert workers_for(gpu) == num_workers
