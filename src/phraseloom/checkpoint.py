"""Weights that describe themselves: one safetensors file a network.

The file's header holds the format version, the kind of network, its configuration, the fingerprint of the vocabulary,
and what belongs to the weights: the latents' statistics, the tracks, the fingerprint of the phrase VAE that a song
transformer was trained on. Nobody passes a scale factor by hand, and nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from phraseloom.errors import CheckpointError, UnreadableFileError
from phraseloom.events import VOCABULARY
from phraseloom.files import written_beside

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Checkpoint:
    """Weights and all that is needed to use them.

    Attributes:
        kind: which network, such as `phrase_vae`.
        config: the network's configuration as plain values.
        extra: what belongs to the weights beside, as plain JSON values.
        weights: tensors by parameter name.
    """

    kind: str
    config: dict[str, Any]
    extra: dict[str, Any]
    weights: Mapping[str, Tensor]

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of the weights and what belongs to them."""
        return fingerprint_of([self.kind, self.config, self.extra], self.weights)


def fingerprint_of(facts: Any, weights: Mapping[str, Tensor]) -> str:
    """16 hexadecimal digits of plain JSON values and tensors; a zero's sign, which averaging changes, is left out."""
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(weights):
        digest.update(name.encode())
        weight = weights[name] + 0.0 if weights[name].is_floating_point() else weights[name]
        digest.update(weight.flatten().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def checkpoint_of(kind: str, network: nn.Module, config: Any, extra: dict[str, Any], dtype: torch.dtype) -> Checkpoint:
    """A checkpoint of a network; floating-point weights are stored as `dtype`."""
    weights = {
        name: (value.to(dtype) if value.is_floating_point() else value).detach().cpu().contiguous()
        for name, value in network.state_dict().items()
    }
    return Checkpoint(kind, asdict(config), extra, weights)


def write_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Writes beside and renames."""
    header = {
        "format_version": FORMAT_VERSION,
        "kind": checkpoint.kind,
        "vocabulary": VOCABULARY.fingerprint,
        "config": checkpoint.config,
        "extra": checkpoint.extra,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_beside(path) as part:
        part.write_bytes(save(dict(checkpoint.weights), metadata={"phraseloom": json.dumps(header)}))


def read_checkpoint(path: Path, kind: str) -> Checkpoint:
    """Reads a checkpoint of the given kind.

    Raises:
        UnreadableFileError: there is no such file, or it is no safetensors file.
        CheckpointError: it is of another format version, kind or vocabulary.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError) as error:
        raise UnreadableFileError(
            f"{path} cannot be read as weights: {error}", "name a .safetensors file that phraseloom wrote"
        ) from error
    header = _header_of(metadata)
    if "format_version" not in header:
        raise CheckpointError(f"{path} holds weights of another program", "name a file that phraseloom wrote")
    if header["format_version"] != FORMAT_VERSION:
        raise CheckpointError(
            f"{path} has format version {header['format_version']}, this version reads {FORMAT_VERSION}",
            "train again, or use the version of phraseloom that wrote it",
        )
    if header["kind"] != kind:
        raise CheckpointError(f"{path} holds a {header['kind']}, expected a {kind}", f"name the file of a {kind}")
    if header["vocabulary"] != VOCABULARY.fingerprint:
        raise CheckpointError(
            f"{path} was trained on vocabulary {header['vocabulary']}, this version has {VOCABULARY.fingerprint}",
            "train again, or use the version of phraseloom that wrote it",
        )
    return Checkpoint(kind, header["config"], header["extra"], weights)


def require_names(checkpoint: Checkpoint, path: Path, config: type, belongings: Collection[str]) -> None:
    """Checks that a checkpoint's header says what this version needs to know.

    Args:
        config: the dataclass of the network's configuration; the header must give its fields and no others.
        belongings: names that `extra` must hold, among others.

    Raises:
        CheckpointError: a name is missing or not known.
    """
    known = inspect.signature(config).parameters.keys()
    missing = (known - checkpoint.config.keys()) | (set(belongings) - checkpoint.extra.keys())
    unknown = checkpoint.config.keys() - known
    if missing or unknown:
        what = f"lacks {min(missing)!r}" if missing else f"holds {min(unknown)!r}, which is not known"
        raise of_another_version(path, what)


def of_another_version(path: Path, what: str) -> CheckpointError:
    """The error of a file whose header `what`, in words that go on from there."""
    return CheckpointError(
        f"{path} is of another version: its header {what}",
        "train again, or use the version of phraseloom that wrote it",
    )


def _header_of(metadata: Mapping[str, str]) -> dict[str, Any]:
    """What we wrote into a file's header; nothing where another program wrote it."""
    try:
        header = json.loads(metadata.get("phraseloom", ""))
    except json.JSONDecodeError:
        return {}
    return header if isinstance(header, dict) else {}


def fill_network(network: nn.Module, checkpoint: Checkpoint, path: Path) -> None:
    """Loads the weights into a network built from the checkpoint's configuration, as float32.

    Raises:
        CheckpointError: names or shapes differ, so the file is damaged or of another version.
    """
    weights = {n: value.float() if value.is_floating_point() else value for n, value in checkpoint.weights.items()}
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in weights.items()}
    if expected != found:
        differing = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        raise CheckpointError(
            f"{path} does not fit the network: {differing[0]} is {found.get(differing[0], 'missing')}, "
            f"expected {expected.get(differing[0], 'nothing of that name')}",
            "train again, or use the version of phraseloom that wrote it",
        )
    network.load_state_dict(weights)
