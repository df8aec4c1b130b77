"""From what the network predicts to phrases.

A prediction lies between the latents of phrases. The decoder has learned to read such latents, is told from which noise
they were predicted, and makes the likeliest phrase of them.

Letters in shapes: n bars, s slots, z latent size, c cells that are not known, p phrases that they hold.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from phraseloom.events import VOCABULARY, Attribute, PhraseTable
from phraseloom.models.note_bias import NoteBias, tones_of
from phraseloom.phrase_codec import PhraseCodec
from phraseloom.request import KNOWN, NEW, Request
from phraseloom.song_model import TICKS_PER_BAR, SongModel
from phraseloom.transforms import beat_chords, normalise_key
from phraseloom.voices import octave_shifts


class Reader:
    """Reads the cells of a request that are not known, tied ones once.

    Attributes:
        cells: `[c]` the numbers of those cells, counted bar by bar.
        bars, slots: `[c]` where they are.
        index: `[c]` the phrase that each holds.
        is_one_voice: `[s]` slots of one voice, but for those of which notes that are there are varied: these may be
            more.
    """

    def __init__(self, request: Request, codec: PhraseCodec, model: SongModel, seed: int) -> None:
        """Args: seed: of the velocities."""
        levels, num_slots = request.levels, request.levels.shape[1]
        self.cells = np.flatnonzero(levels.ravel() > KNOWN)
        self.bars, self.slots = np.divmod(self.cells, num_slots)
        owning = (request.owners * num_slots + np.arange(num_slots)).ravel()[self.cells]
        self._owners, self.index = np.unique(owning, return_inverse=True)
        is_varied = ((levels > KNOWN) & (levels < NEW)).any(axis=0)
        self.is_one_voice = np.array(model.one_voice) & ~is_varied
        self._codec, self._seed = codec, seed
        tones = tones_of(beat_chords(normalise_key(request.song))).reshape(len(levels), -1, 12)
        bar, slot = np.divmod(self._owners, num_slots)
        self._bias = NoteBias.of(model.note_bias, slot, tones[bar])

    def read(self, predicted: np.ndarray, levels: np.ndarray) -> PhraseTable:
        """The phrases `[p]` of latents `[n, s, z]` that were predicted from the noise `levels [n, s]`."""
        own = predicted.reshape(-1, predicted.shape[-1])[self._owners]
        phrases = self._codec.decode(
            own,
            TICKS_PER_BAR,
            noise=levels.ravel()[self._owners],
            generator=torch.Generator().manual_seed(self._seed),
            median_durations=True,
            bias=self._bias,
        )
        return self.in_octaves(phrases)

    def in_octaves(self, phrases: PhraseTable) -> PhraseTable:
        """The phrases `[p]`, those of one voice moved to the octave of their neighbours."""
        pitches = phrases.steps[:, Attribute.PITCH].astype(np.int64)
        begin, end = phrases.offsets[:-1], phrases.offsets[1:]
        for slot in np.flatnonzero(self.is_one_voice):
            of_slot = (self.slots == slot) & (phrases.num_notes[self.index] > 0)
            phrase, bar = self.index[of_slot], self.bars[of_slot]
            if not len(phrase):
                continue
            first, last = begin[phrase], end[phrase] - 1
            start, stop = (bar * TICKS_PER_BAR + phrases.steps[edge, Attribute.ONSET] for edge in (first, last))
            shifts = octave_shifts(phrase, pitches[first], pitches[last], start, stop)
            for number, shift in set(zip(phrase.tolist(), shifts.tolist(), strict=True)):
                moved = pitches[begin[number] : end[number]] + shift
                if moved.min() >= 0 and moved.max() < VOCABULARY.sizes[Attribute.PITCH]:
                    pitches[begin[number] : end[number]] = moved
        steps = phrases.steps.copy()
        steps[:, Attribute.PITCH] = pitches
        return replace(phrases, steps=steps)
