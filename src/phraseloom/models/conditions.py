"""What the song transformer is told about the song it is to draw.

Every quantity is a whole number, and 0 means unknown, so that each group of conditions can be left out in training and
in use. Letters in shapes: b songs, n bars (the longest of the batch), s slots, k beats of a bar, d width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from phraseloom.form import MAX_BARS, Section, bar_positions
from phraseloom.harmony import Chord
from phraseloom.texture import NUM_GRADES, UNKNOWN, Aspect

MODES = ("major", "minor")
FIRST_TEMPO_BPM, TEMPO_RATIO, NUM_TEMPOS = 40.0, 2 ** (1 / 8), 24
"""Tempos are told in steps of an eighth of an octave from 40 bpm on."""
MAX_INSTANCES = 8
MAX_OFFSET = 32
NUM_NOISE_SHARES = 9
"""Homologous bars are told to share 0, 1/8, ... or all of their noise."""
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
    "shared_noise": NUM_NOISE_SHARES + 1,
}
"""Size of each condition's range, the unknown included."""

GROUPS = {
    "form": ("letter", "instance", "offset", "bars_left", "section_num_bars", "section", "shared_noise"),
    "place": ("from_start", "to_end", "num_bars"),
    "tempo": ("tempo",),
    "mode": ("mode",),
    "sounds": ("sounds",),
    "repeats": ("repeats",),
    "texture": ("texture",),
    "chords": ("chord_root", "chord_bass", "chord_tones"),
}
"""Conditions that are known or unknown together."""

PER_BAR_GROUPS = ("sounds", "repeats", "texture", "chords")
"""Groups that may be known in some bars only."""

PER_SONG = ("num_bars", "tempo", "mode", "shared_noise")
"""Conditions with one value for all bars."""

SILENT, SOUNDS = 1, 2
FIRST, REPEATED = 1, 2
NO_CHORD_ROOT = 13
BEATS_PER_BAR = 4
NUM_CELL_VALUES = 3
NUM_CHORD_ROOTS, NUM_CHORD_BASSES, NUM_PITCH_CLASSES = 14, 13, 12
NUM_CHORD_NUMBERS = NUM_CHORD_ROOTS + NUM_CHORD_BASSES + NUM_PITCH_CLASSES

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
    sounds: Tensor
    """`[b, n, s]` 1 for a slot that is silent in a bar, 2 for one that sounds."""
    repeats: Tensor
    """`[b, n, s]` 1 for a slot that repeats no earlier bar exactly, 2 for one that does."""
    texture: Tensor
    """`[b, n, s, a]` grades as in `phraseloom.texture`."""
    shared_noise: Tensor
    """`[b, 1]` 1 for songs whose homologous bars have noise of their own, 9 for those in which it is the same."""
    chord_root: Tensor
    """`[b, n, k]` 1 to 12 for C to B, 13 for no chord."""
    chord_bass: Tensor
    """`[b, n, k]` 1 to 12 for C to B; 0 for no chord too."""
    chord_tones: Tensor
    """`[b, n, k]` bits of the pitch classes of the chord, C the lowest; 0 for no chord too."""

    def to(self, device: torch.device) -> SongConditions:
        return SongConditions(*(value.to(device) for value in self))

    def without(self, group: str, chosen: Tensor) -> SongConditions:
        """The same with one group unknown for the songs `chosen [b]`, or for the bars `chosen [b, n]`, bool."""
        blank = {}
        for name in GROUPS[group]:
            value = getattr(self, name)
            mask = chosen.reshape(*chosen.shape, *(1,) * (value.ndim - chosen.ndim))
            blank[name] = value.masked_fill(mask, 0)
        return self._replace(**blank)


def song_conditions(
    sections: Sequence[Section],
    num_slots: int,
    *,
    tempo_bpm: float | None,
    mode: str | None,
    has_start: bool = True,
    has_end: bool = True,
    sounds: np.ndarray | None = None,
    is_repeated: np.ndarray | None = None,
    texture: np.ndarray | None = None,
    shared_noise: float = 0.0,
    chords: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """The conditions of one song, without a batch dimension; hand several to `collate_conditions`.

    Args:
        has_start: the sections begin with the song's first bar.
        has_end: the sections end with the song's last bar.
        sounds: `[n, s]` 0 for unknown, SILENT or SOUNDS.
        is_repeated: `[n, s]` bool: the cell repeats an earlier one note for note.
        texture: `[n, s, a]` grades as in `phraseloom.texture`.
        shared_noise: share of the noise's variance that homologous bars have in common, 0 to 1.
        chords: `[n, k, 3]` numbers of roots, basses and tones, as `chord_numbers` gives them.
    """
    bars = bar_positions(sections)
    n = len(bars)
    letters = [_letter_number(section.letter) for section in sections for _ in range(section.num_bars)]
    count = np.arange(1, n + 1)
    no_cells = np.zeros((n, num_slots), np.int64)
    no_texture = np.full((n, num_slots, len(Aspect)), UNKNOWN, np.int64)
    told_chords = np.zeros((n, BEATS_PER_BAR, 3), np.int64) if chords is None else chords
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
        "sounds": no_cells if sounds is None else sounds,
        "repeats": no_cells if is_repeated is None else np.where(is_repeated, REPEATED, FIRST),
        "texture": no_texture if texture is None else texture,
        "shared_noise": np.array([1 + round(shared_noise * (NUM_NOISE_SHARES - 1))]),
        "chord_root": told_chords[..., 0],
        "chord_bass": told_chords[..., 1],
        "chord_tones": told_chords[..., 2],
    }


def chord_numbers(chords: Sequence[Chord | None]) -> np.ndarray:
    """`[n, k, 3]` roots, basses and tones of the chords of the song's beats; None for one that is unknown."""
    return np.array([_numbers_of(chord) for chord in chords], np.int64).reshape(-1, BEATS_PER_BAR, 3)


def collate_conditions(songs: Sequence[dict[str, np.ndarray]], num_bars: int) -> SongConditions:
    """Conditions of a batch, padded to `num_bars`."""
    fields = {}
    for name in SongConditions._fields:
        is_flag = name == "is_bar"
        length = 1 if name in PER_SONG else num_bars
        rows = np.zeros((len(songs), length, *songs[0][name].shape[1:]), bool if is_flag else np.int64)
        for row, song in zip(rows, songs, strict=True):
            row[: len(song[name])] = song[name]
        fields[name] = torch.from_numpy(rows)
    return SongConditions(**fields)


def homologous_bars(conditions: SongConditions) -> Tensor:
    """`[b, n]`: for every bar the first one with its letter and offset; its own number where the form is unknown."""
    code = conditions.letter * (MAX_OFFSET + 1) + conditions.offset
    own = torch.arange(code.shape[1], device=code.device)
    code = torch.where(conditions.letter > 0, code, -1 - own)
    return (code[:, :, None] == code[:, None, :]).int().argmax(dim=2)


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


def is_homologous(relations: Tensor) -> Tensor:
    """Bool in the shape of `bar_relations`' numbers: letter and offset are the same."""
    return (relations > 0) & ((relations - 1) & 3 == 3)


class ConditionEmbedding(nn.Module):
    """Sum of the vectors of all conditions of a bar, `[b, n, d]`."""

    slot_offsets: Tensor
    aspect_offsets: Tensor

    def __init__(self, width: int, num_slots: int) -> None:
        super().__init__()
        tables = {name: nn.Embedding(size, width) for name, size in NUM_VALUES.items()}
        for name in ("sounds", "repeats"):
            tables[name] = nn.Embedding(num_slots * NUM_CELL_VALUES, width)
        tables["texture"] = nn.Embedding(num_slots * len(Aspect) * NUM_GRADES, width)
        for table in tables.values():
            nn.init.normal_(table.weight, std=0.3 * len(tables) ** -0.5)
        self.tables = nn.ModuleDict(tables)
        self.from_chords = nn.Linear(BEATS_PER_BAR * NUM_CHORD_NUMBERS, width)
        self.register_buffer("slot_offsets", NUM_CELL_VALUES * torch.arange(num_slots), persistent=False)
        places = torch.arange(num_slots * len(Aspect)).view(num_slots, len(Aspect))
        self.register_buffer("aspect_offsets", NUM_GRADES * places, persistent=False)

    def forward(self, conditions: SongConditions) -> Tensor:
        total = self.from_chords(_chord_features(conditions).flatten(-2))
        for name, table in self.tables.items():
            value = getattr(conditions, name)
            if name == "texture":
                vectors = table(value + self.aspect_offsets).sum(dim=(-3, -2))
            elif value.ndim == 3:
                vectors = table(value + self.slot_offsets).sum(dim=-2)
            else:
                vectors = table(value)
            total = total + vectors
        return total


def _chord_features(conditions: SongConditions) -> Tensor:
    """`[b, n, k, f]` float32: root and bass one-hot, pitch classes as bits."""
    pitch_classes = torch.arange(NUM_PITCH_CLASSES, device=conditions.chord_tones.device)
    parts = (
        nn.functional.one_hot(conditions.chord_root, NUM_CHORD_ROOTS),
        nn.functional.one_hot(conditions.chord_bass, NUM_CHORD_BASSES),
        (conditions.chord_tones[..., None] >> pitch_classes) & 1,
    )
    return torch.cat(parts, dim=-1).float()


def _numbers_of(chord: Chord | None) -> tuple[int, int, int]:
    if chord is None:
        return 0, 0, 0
    if chord.root is None or chord.bass is None:
        return NO_CHORD_ROOT, 0, 0
    return chord.root + 1, chord.bass + 1, sum(1 << pitch_class for pitch_class in chord.pitch_classes)


def _letter_number(letter: str) -> int:
    first, base = ("A", 27) if letter.isupper() else ("a", 1)
    return ord(letter) - ord(first) + base


def _tempo_number(tempo_bpm: float) -> int:
    steps = np.log(tempo_bpm / FIRST_TEMPO_BPM) / np.log(TEMPO_RATIO)
    return int(np.clip(round(steps), 0, NUM_TEMPOS - 1)) + 1
