"""The Muon optimiser, all matrices of one shape at a time.

Momentum whose matrices are brought near the closest orthogonal one (Jordan et al., 2024; the size of the updates after
Liu et al., "Muon is Scalable for LLM Training", arXiv 2502.16982). `torch.optim.Muon` goes through the matrices one by
one, which on a GPU takes longer than the network's own pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from phraseloom.training.precision import prefers_bfloat16

MOMENTUM = 0.95
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic iteration, chosen by Jordan et al. for a steep slope at zero; singular values end between
about 0.7 and 1.2."""
NUM_ITERATIONS = 5
ADAMW_RMS = 0.2
"""Root mean square of AdamW's updates, to which these are scaled."""


class Muon(torch.optim.Optimizer):
    """Updates matrices `[m, n]`; everything else belongs to another optimiser.

    Args:
        lr: step size, on AdamW's scale.
        weight_decay: decoupled.
    """

    def __init__(self, matrices: Iterable[Tensor], *, lr: float, weight_decay: float) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # ty: ignore[incompatible-method-override]
        """One update from the gradients that are there; a closure is not called."""
        for group in self.param_groups:
            alike: defaultdict[tuple[int, ...], list[Tensor]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    alike[tuple(matrix.shape)].append(matrix)
            for matrices in alike.values():
                self._update(matrices, group["lr"], group["weight_decay"])

    def _update(self, matrices: list[Tensor], lr: float, weight_decay: float) -> None:
        """One step of matrices of one shape."""
        gradients: list[Tensor] = [matrix.grad for matrix in matrices if matrix.grad is not None]
        for matrix in matrices:
            if not self.state[matrix]:
                self.state[matrix]["momentum_buffer"] = torch.zeros_like(matrix)
        momenta = [self.state[matrix]["momentum_buffer"] for matrix in matrices]
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        ahead = torch._foreach_lerp(gradients, momenta, MOMENTUM)  # Nesterov's
        directions = orthogonalised(torch.stack(ahead)).to(matrices[0].dtype)
        size = ADAMW_RMS * max(matrices[0].shape) ** 0.5
        torch._foreach_mul_(matrices, 1 - lr * weight_decay)
        torch._foreach_add_(matrices, list(directions.unbind()), alpha=-lr * size)


def orthogonalised(matrices: Tensor) -> Tensor:
    """Near `U V^T` of each `U S V^T` of `matrices [k, m, n]`; in bfloat16 where that is faster."""
    x = matrices.to(torch.bfloat16 if prefers_bfloat16(matrices.device.type) else torch.float32)
    is_tall = x.shape[-2] > x.shape[-1]
    if is_tall:
        x = x.mT
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    a, b, c = NEWTON_SCHULZ
    for _ in range(NUM_ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if is_tall else x
