"""Optimisers and the learning-rate schedule."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from phraseloom.training.muon import Muon


class OptimiserSettings(BaseModel):
    """How weights are updated."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["muon", "adamw"] = "muon"
    """`muon` (Jordan et al., 2024) for the matrices of the layers and AdamW for the rest, or AdamW for all."""
    learning_rate: float = Field(2e-3, gt=0)
    """Peak step size; Muon's updates are scaled to the size of AdamW's, so that one number serves both."""
    weight_decay: float = Field(0.01, ge=0)
    """Decoupled decay of matrices; vectors and embeddings are not decayed."""
    warmup_steps: int = Field(100, ge=0)
    """Steps in which the step size rises to its peak."""
    cooldown_share: float = Field(0.4, ge=0, le=1)
    """Share of all steps, at the end, in which the step size falls linearly to zero."""
    max_gradient_norm: float = Field(1.0, gt=0)
    """Gradients longer than this are scaled down to it."""


def build_optimisers(model: nn.Module, settings: OptimiserSettings) -> list[torch.optim.Optimizer]:
    """The optimisers that between them hold every parameter once."""
    matrices = [m.weight for m in model.modules() if isinstance(m, nn.Linear) and m.weight.requires_grad]
    chosen = {id(parameter) for parameter in matrices}
    others = [p for p in model.parameters() if p.requires_grad and id(p) not in chosen]
    rate, decay = settings.learning_rate, settings.weight_decay
    groups = [{"params": others, "weight_decay": 0.0}]
    if settings.kind == "adamw":
        groups.append({"params": matrices, "weight_decay": decay})
    optimisers: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.99), fused=True)]
    if settings.kind == "muon":
        optimisers.append(Muon(matrices, lr=rate, weight_decay=decay))
    return optimisers


def learning_rate_factor(step: int, num_steps: int, settings: OptimiserSettings) -> float:
    """Share of the peak learning rate at `step` (from 0): a rise, a plateau, and a linear fall to zero."""
    rise = (step + 1) / (settings.warmup_steps + 1)
    fall = (num_steps - step) / max(1.0, settings.cooldown_share * num_steps)
    return max(0.0, min(1.0, rise, fall))
