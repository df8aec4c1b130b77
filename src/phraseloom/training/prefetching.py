"""Batches one after the other, made in processes of their own where the network would have to wait for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from accelerate import Accelerator
from torch.utils.data import DataLoader, Dataset, Sampler

from phraseloom.errors import RequestError

MOST_WORKERS = 8


class Batches(Protocol):
    """Batches of an epoch, a pure function of the epoch's number and of which process asks."""

    def epoch(self, epoch: int, process: int, num_processes: int) -> list[Callable[[], Any]]: ...


Place = tuple[int, int]
"""An epoch and the index of a batch in it."""


def workers_for(accelerator: Accelerator) -> int:
    """How many processes make a process's batches: none on a CPU, which has no time to spare."""
    if accelerator.device.type == "cpu":
        return 0
    return max(0, min(MOST_WORKERS, (os.cpu_count() or 1) // accelerator.num_processes - 1))


def successive(
    batches: Batches, start: Place, accelerator: Accelerator, num_workers: int
) -> Iterator[tuple[Place, Any]]:
    """Batches from `start` on without end, each with the place of the one behind it.

    Args:
        num_workers: processes that make them ahead; 0 for making each when it is asked for.

    Raises:
        RequestError: an epoch has no batch for each process.
    """
    epochs = _Epochs(batches, accelerator.process_index, accelerator.num_processes)
    if num_workers == 0:
        yield from epochs.from_place(start)
        return
    yield from DataLoader(
        _Made(epochs),
        batch_size=None,
        collate_fn=_as_it_is,
        sampler=_Places(epochs, start),
        num_workers=num_workers,
        prefetch_factor=4,
        pin_memory=accelerator.device.type == "cuda",
    )


def _as_it_is(made: Any) -> Any:
    return made


class _Epochs:
    """One process's batches of every epoch."""

    def __init__(self, batches: Batches, process: int, num_processes: int) -> None:
        self.batches, self.process, self.num_processes = batches, process, num_processes

    def loads(self, epoch: int) -> list[Callable[[], Any]]:
        loads = self.batches.epoch(epoch, self.process, self.num_processes)
        if not loads:
            raise RequestError(
                f"the corpus is too small for {self.num_processes} processes: not one batch each",
                "use fewer processes, smaller batches or more songs",
            )
        return loads

    def from_place(self, start: Place) -> Iterator[tuple[Place, Any]]:
        epoch, index = start
        while True:
            loads = self.loads(epoch)
            for i in range(index, len(loads)):
                yield (epoch, i + 1), loads[i]()
            epoch, index = epoch + 1, 0


class _Places(Sampler[Place]):
    """The places from one on, for the processes that make the batches."""

    def __init__(self, epochs: _Epochs, start: Place) -> None:
        self.epochs, self.start = epochs, start

    def __iter__(self) -> Iterator[Place]:
        epoch, index = self.start
        while True:
            yield from ((epoch, i) for i in range(index, len(self.epochs.loads(epoch))))
            epoch, index = epoch + 1, 0


class _Made(Dataset[Any]):
    """A batch by its place; a process keeps the loads of the epoch that it is in."""

    def __init__(self, epochs: _Epochs) -> None:
        self.epochs = epochs
        self._epoch: int | None = None
        self._loads: list[Callable[[], Any]] = []

    def __getitem__(self, index: Place) -> tuple[Place, Any]:
        epoch, number = index
        if epoch != self._epoch:
            self._epoch, self._loads = epoch, self.epochs.loads(epoch)
        return (epoch, number + 1), self._loads[number]()
