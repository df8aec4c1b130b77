"""What the song transformer is told about the song it is to draw.

Every quantity is a small integer, and 0 means unknown, so that each group of conditions can be left out in training and
in use. Letters in shapes: b songs, n bars (the longest of the batch), d width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from phraseloom.form import MAX_BARS, Section, bar_positions

MODES = ("major", "minor")
FIRST_TEMPO_BPM, TEMPO_RATIO, NUM_TEMPOS = 40.0, 2 ** (1 / 8), 24
"""Tempos are told in steps of an eighth of an octave from 40 bpm on."""
MAX_INSTANCES = 8
MAX_OFFSET = 32
MAX_EDGE_BARS = 16
"""Distances to the song's first and last bar are told up to here."""

NUM_VALUES = {
    "letter": 53,
    "instance": MAX_INSTANCES + 1,
    "offset": MAX_OFFSET + 1,
    "bars_left": MAX_OFFSET + 1,
    "section_num_bars": MAX_OFFSET + 1,
    "from_start": MAX_EDGE_BARS + 1,
    "to_end": MAX_EDGE_BARS + 1,
    "num_bars": MAX_BARS + 1,
    "tempo": NUM_TEMPOS + 1,
    "mode": len(MODES) + 1,
}
"""Size of each condition's range, the unknown included."""

GROUPS = {
    "form": ("letter", "instance", "offset", "bars_left", "section_num_bars", "section"),
    "place": ("from_start", "to_end", "num_bars"),
    "tempo": ("tempo",),
    "mode": ("mode",),
}
"""Conditions that are known or unknown together."""

PER_SONG = ("num_bars", "tempo", "mode")
"""Conditions with one value for all bars."""

NUM_RELATIONS = 9
"""Kinds of pairs of bars: unknown, or any of same letter, same offset, same section."""


class SongConditions(NamedTuple):
    """Conditions of a batch of songs, int64; bars behind a song's end hold zeros."""

    is_bar: Tensor
    """`[b, n]` bool: the song has this bar."""
    letter: Tensor
    """`[b, n]` 1 to 26 for a-z, 27 to 52 for A-Z."""
    instance: Tensor
    """`[b, n]` 1 for the first section of its letter."""
    offset: Tensor
    """`[b, n]` 1 for the first bar of a section."""
    bars_left: Tensor
    """`[b, n]` 1 for the last bar of a section."""
    section_num_bars: Tensor
    """`[b, n]`."""
    section: Tensor
    """`[b, n]` 1 for the bars of the first section; only its equality matters."""
    from_start: Tensor
    """`[b, n]` 1 for the first bar of the song; unknown in an excerpt that begins later."""
    to_end: Tensor
    """`[b, n]` 1 for the last bar of the song; unknown in an excerpt that ends earlier."""
    num_bars: Tensor
    """`[b, 1]` bars of what is drawn."""
    tempo: Tensor
    """`[b, 1]`."""
    mode: Tensor
    """`[b, 1]` 1 for major, 2 for minor."""

    def to(self, device: torch.device) -> SongConditions:
        return SongConditions(*(value.to(device) for value in self))

    def without(self, group: str, songs: Tensor) -> SongConditions:
        """The same with one group unknown for the songs chosen by `songs [b]` bool."""
        blank = {name: getattr(self, name).masked_fill(songs[:, None], 0) for name in GROUPS[group]}
        return self._replace(**blank)


def song_conditions(
    sections: Sequence[Section],
    *,
    tempo_bpm: float | None,
    mode: str | None,
    has_start: bool = True,
    has_end: bool = True,
) -> dict[str, np.ndarray]:
    """The conditions of one song, without a batch dimension; hand several to `collate_conditions`.

    Args:
        has_start: the sections begin with the song's first bar.
        has_end: the sections end with the song's last bar.
    """
    bars = bar_positions(sections)
    n = len(bars)
    letters = [_letter_number(section.letter) for section in sections for _ in range(section.num_bars)]
    count = np.arange(1, n + 1)
    return {
        "is_bar": np.ones(n, bool),
        "letter": np.array(letters),
        "instance": np.minimum(bars.instance + 1, MAX_INSTANCES),
        "offset": np.minimum(bars.offset + 1, MAX_OFFSET),
        "bars_left": np.minimum(bars.section_num_bars - bars.offset, MAX_OFFSET),
        "section_num_bars": np.minimum(bars.section_num_bars, MAX_OFFSET),
        "section": bars.section_index + 1,
        "from_start": np.minimum(count, MAX_EDGE_BARS) * has_start,
        "to_end": np.minimum(count[::-1], MAX_EDGE_BARS) * has_end,
        "num_bars": np.array([min(n, MAX_BARS)]),
        "tempo": np.array([0 if tempo_bpm is None else _tempo_number(tempo_bpm)]),
        "mode": np.array([0 if mode is None else MODES.index(mode) + 1]),
    }


def collate_conditions(songs: Sequence[dict[str, np.ndarray]], num_bars: int) -> SongConditions:
    """Conditions of a batch, padded to `num_bars`."""
    fields = {}
    for name in SongConditions._fields:
        is_flag = name == "is_bar"
        length = 1 if name in PER_SONG else num_bars
        rows = np.zeros((len(songs), length), bool if is_flag else np.int64)
        for row, song in zip(rows, songs, strict=True):
            row[: len(song[name])] = song[name]
        fields[name] = torch.from_numpy(rows)
    return SongConditions(**fields)


def bar_relations(conditions: SongConditions) -> Tensor:
    """`[b, n, n]`: the kind of each pair of bars, 0 where the form is unknown, else 1 + its bits.

    Bits: 1 same letter, 2 same offset, 4 same section. Letter and offset together are homologous bars.
    """
    code = torch.ones((), dtype=torch.int64, device=conditions.letter.device)
    for bit, name in ((1, "letter"), (2, "offset"), (4, "section")):
        value = getattr(conditions, name)
        code = code + bit * (value[:, :, None] == value[:, None, :])
    known = conditions.letter > 0
    return code * (known[:, :, None] & known[:, None, :])


class ConditionEmbedding(nn.Module):
    """Sum of the vectors of all conditions of a bar, `[b, n, d]`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        tables = {name: nn.Embedding(size, width) for name, size in NUM_VALUES.items()}
        for table in tables.values():
            nn.init.normal_(table.weight, std=0.3 * len(tables) ** -0.5)
        self.tables = nn.ModuleDict(tables)

    def forward(self, conditions: SongConditions) -> Tensor:
        return sum(table(getattr(conditions, name)) for name, table in self.tables.items())


def _letter_number(letter: str) -> int:
    first, base = ("A", 27) if letter.isupper() else ("a", 1)
    return ord(letter) - ord(first) + base


def _tempo_number(tempo_bpm: float) -> int:
    steps = np.log(tempo_bpm / FIRST_TEMPO_BPM) / np.log(TEMPO_RATIO)
    return int(np.clip(round(steps), 0, NUM_TEMPOS - 1)) + 1
