"""Which hardware is taken to be faster in bfloat16."""

from __future__ import annotations

import pytest
import torch

from phraseloom.training.precision import prefers_bfloat16


@pytest.fixture(autouse=True)
def asked_anew():
    prefers_bfloat16.cache_clear()
    yield
    prefers_bfloat16.cache_clear()


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx2": True, "amx_bf16": False, "avx512_bf16": False}, False),
        ({"avx2": True, "amx_bf16": False, "avx512_bf16": True}, True),
        ({"avx2": True, "amx_bf16": True}, True),
        ({"neon": True}, False),
    ],
)
def test_processors_are_asked_what_they_can(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert prefers_bfloat16("cpu") is expected


def test_a_gpu_is_not():
    assert prefers_bfloat16("cuda")


def test_one_that_cannot_be_asked_is_taken_to_be(monkeypatch):
    """PyTorch of before 2.11."""
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert prefers_bfloat16("cpu")
