"""Which hardware multiplies matrices faster in bfloat16 than in float32."""

from __future__ import annotations

from functools import cache

import torch

FAST_INSTRUCTIONS = ("amx_bf16", "avx512_bf16")
"""Of processors; without them PyTorch makes float32 of bfloat16 first."""


@cache
def prefers_bfloat16(device_type: str) -> bool:
    """Whether a device of this type (`torch.device.type`) is faster in bfloat16: GPUs, and some processors."""
    if device_type != "cpu":
        return True
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()  # not there before torch 2.11
    return not capabilities or any(capabilities.get(name, False) for name in FAST_INSTRUCTIONS)


def autocast_where_faster(device_type: str) -> torch.autocast:
    """A context in which networks on such a device multiply in bfloat16 where that is faster."""
    return torch.autocast(device_type, torch.bfloat16, enabled=prefers_bfloat16(device_type))
