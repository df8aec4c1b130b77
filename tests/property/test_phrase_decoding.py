"""Whatever the weights and the latents are, the decoder writes phrases that can be played."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from phraseloom.events import DRUMS_HEADER, MAX_NOTES, SILENT_HEADER, VOCABULARY, Attribute, PhraseTable
from phraseloom.harmony import parse_chord
from phraseloom.models.note_bias import NoteBias, SlotBias, Tone, tones_of
from phraseloom.models.phrase_decoding import Begun, decode_phrases
from phraseloom.models.phrase_vae import PhraseVAE, PhraseVAEConfig
from phraseloom.score import TICKS_PER_QUARTER

TINY = PhraseVAEConfig(
    width=32, num_heads=2, encoder_layers=1, decoder_layers=1, latent_size=13, num_query_tokens=2, num_memory_tokens=2
)
NUM_PHRASES = 6
C_MAJOR = parse_chord("C")

seeds = st.integers(0, 2**32 - 1)


def tiny_network(seed: int = 0) -> PhraseVAE:
    torch.manual_seed(seed)
    return PhraseVAE(TINY).eval()


def opinionated_network(seed: int, strength: float) -> PhraseVAE:
    """A network that likes and dislikes single values, whatever was said before."""
    network = tiny_network(seed)
    with torch.no_grad():
        for head in network.heads:
            head.bias.normal_(std=strength)
    return network


def check_playable(table: PhraseTable, ticks_per_bar: int) -> None:
    """`PhraseTable.phrase` builds `Notes`, which refuse wrong order, overlaps and values out of range."""
    for i in range(len(table)):
        notes = table.phrase(i)
        assert len(notes) <= MAX_NOTES
        assert (notes.onset_ticks < ticks_per_bar).all()
        assert (len(notes) == 0) == (table.headers[i] == SILENT_HEADER)
        assert 0 <= table.headers[i] <= SILENT_HEADER


@settings(max_examples=25)
@given(
    seeds,
    st.floats(0, 30),
    st.floats(0, 3e38),
    st.integers(1, 96),
    st.sampled_from([0.0, 0.3, 1.0, 5.0]),
    st.sampled_from([0.0, 1.0, 100.0]),
)
def test_every_phrase_can_be_played(seed, strength, latent_scale, ticks_per_bar, temperature, largest_bias):
    network = opinionated_network(seed, strength)
    latents = (torch.randn(NUM_PHRASES, TINY.latent_size, dtype=torch.float64) * latent_scale).float()
    latents = latents.nan_to_num(posinf=3e38, neginf=-3e38)
    rng = np.random.default_rng(seed)
    slots = [SlotBias(*rng.uniform(-largest_bias, largest_bias, 7)) for _ in range(2)]
    tones = rng.integers(len(Tone), size=(NUM_PHRASES, -(-ticks_per_bar // TICKS_PER_QUARTER), 12))
    bias = NoteBias.of(slots, rng.integers(2, size=NUM_PHRASES), tones)
    table = decode_phrases(network, latents, ticks_per_bar, temperature=temperature, bias=bias)
    assert len(table) == NUM_PHRASES
    check_playable(table, ticks_per_bar)


@settings(max_examples=25)
@given(seeds, st.floats(0, 30), st.integers(1, 96))
def test_phrases_that_are_begun_anyhow_can_be_played(seed, strength, ticks_per_bar):
    network = opinionated_network(seed, strength)
    rng = np.random.default_rng(seed)
    sizes = [*VOCABULARY.sizes[Attribute.PITCH :]]
    values = [rng.integers(VOCABULARY.end_index + 1, size=(NUM_PHRASES, MAX_NOTES))]
    values += [rng.integers(size, size=(NUM_PHRASES, MAX_NOTES)) for size in sizes]
    num_values = torch.from_numpy(rng.integers(4 * MAX_NOTES, size=NUM_PHRASES))
    begun = Begun(torch.from_numpy(np.stack(values, axis=-1)), num_values)
    check_playable(
        decode_phrases(network, torch.randn(NUM_PHRASES, TINY.latent_size), ticks_per_bar, begun=begun), ticks_per_bar
    )


def test_what_is_begun_is_kept_and_gone_on_with():
    network = opinionated_network(7, 3.0)
    latents = torch.randn(12, TINY.latent_size)
    plain = decode_phrases(network, latents, 48)
    sounding = np.flatnonzero(plain.num_notes > 2)
    assert len(sounding)
    latents, plain = latents[sounding], plain.select(sounding)
    steps = torch.from_numpy(plain.padded())
    whole = decode_phrases(network, latents, 48, begun=Begun(steps, torch.full((len(sounding),), 6)))
    assert np.array_equal(whole.steps, plain.steps)  # its own beginning leads to its own end
    steps[:, 1, Attribute.DURATION] = 0
    other = decode_phrases(network, latents, 48, begun=Begun(steps, torch.full((len(sounding),), 7)))
    first_two = np.arange(2) + other.offsets[:-1, None]
    assert np.array_equal(other.steps[first_two[:, 0]], plain.steps[plain.offsets[:-1]])
    assert (other.steps[first_two[:, 1], Attribute.DURATION] == 0).all()


def favour(network: PhraseVAE, attribute: Attribute, index: int) -> None:
    with torch.no_grad():
        network.heads[attribute].bias[index] = 1e4


def test_a_phrase_that_would_never_end_ends_after_64_notes():
    network = tiny_network()
    favour(network, Attribute.ONSET, 0)
    favour(network, Attribute.PITCH, 127)
    with torch.no_grad():
        network.heads[Attribute.PITCH].bias.copy_(torch.arange(128) * 1e4)
        network.heads[Attribute.DURATION].bias[191] = 1e4
    table = decode_phrases(network, torch.zeros(1, TINY.latent_size), 48)
    notes = table.phrase(0)
    assert notes.pitch.tolist() == list(range(127, 127 - MAX_NOTES, -1))
    assert not notes.onset_ticks.any()


def bias_of(slot: SlotBias, num_phrases: int) -> NoteBias:
    """One bias for all phrases, under chords of C in bars of 4/4."""
    tones = np.tile(tones_of([C_MAJOR] * 4), (num_phrases, 1, 1))
    return NoteBias.of([slot], np.zeros(num_phrases, np.int64), tones)


def pitches_at_onsets(table: PhraseTable) -> list[list[list[int]]]:
    """Of every phrase the pitches of each onset, both in order."""
    phrases = [table.phrase(index) for index in range(len(table))]
    return [
        [phrase.pitch[phrase.onset_ticks == onset].tolist() for onset in np.unique(phrase.onset_ticks)]
        for phrase in phrases
    ]


def share(kinds: Iterable[bool]) -> float:
    return float(np.mean(list(kinds)))


def test_with_a_bias_of_nothing_nothing_changes():
    network = opinionated_network(0, 1.0)
    latents = torch.randn(16, TINY.latent_size, generator=torch.Generator().manual_seed(0))
    plain, biased = (
        decode_phrases(network, latents, 48, bias=bias) for bias in (None, bias_of(SlotBias(same_onset=0.0), 16))
    )
    assert np.array_equal(plain.steps, biased.steps)


@pytest.mark.parametrize(
    ("kind", "is_of_kind"),
    [
        ("step", lambda line, gaps, pitches: [abs(move) in (1, 2) for move in line]),
        ("repeat", lambda line, gaps, pitches: [move == 0 for move in line]),
        ("third", lambda line, gaps, pitches: [gap % 12 in (3, 4, 8, 9) for gap in gaps]),
        ("second", lambda line, gaps, pitches: [gap % 12 in (1, 2, 10, 11) for gap in gaps]),
        ("chord", lambda line, gaps, pitches: [pitch % 12 in (0, 4, 7) for pitch in pitches]),
        ("foreign", lambda line, gaps, pitches: [pitch % 12 in (1, 3, 6, 8, 10) for pitch in pitches]),
    ],
)
def test_there_are_more_notes_of_a_kind_the_higher_its_bias(kind, is_of_kind):
    network = opinionated_network(0, 1.0)
    favour(network, Attribute.DURATION, 0)
    latents = torch.randn(16, TINY.latent_size, generator=torch.Generator().manual_seed(0))
    shares = []
    for value in (-20.0, 0.0, 20.0):
        table = decode_phrases(network, latents, 48, bias=bias_of(SlotBias(**{kind: value}), 16))
        line, gaps, pitches = [], [], []
        for phrase in pitches_at_onsets(table):
            line += np.diff([together[0] for together in phrase]).tolist()
            gaps += [gap for together in phrase for gap in np.diff(together[::-1]).tolist()]
            pitches += [pitch for together in phrase for pitch in together]
        shares.append(share(is_of_kind(line, gaps, pitches)))
    assert shares[0] <= shares[1] <= shares[2]
    assert shares[0] + 0.3 < shares[2]


def test_each_phrase_has_the_bias_of_its_slot():
    """Whatever other phrases are written beside it, which end sooner or later."""
    network = opinionated_network(0, 1.0)
    latents = torch.randn(12, TINY.latent_size, generator=torch.Generator().manual_seed(0))
    slots, slot = [SlotBias(chord=20.0), SlotBias(foreign=20.0, same_onset=-3.0)], np.arange(12) % 2
    tones = np.tile(tones_of([C_MAJOR] * 4), (12, 1, 1))
    together = decode_phrases(network, latents, 48, bias=NoteBias.of(slots, slot, tones))
    for row in range(12):
        alone = NoteBias.of(slots, slot[[row]], tones[[row]])
        table = decode_phrases(network, latents[[row]], 48, bias=alone)
        assert np.array_equal(table.steps, together.select(np.array([row])).steps)


def test_tones_are_told_from_the_chord_and_the_scale():
    under_e, under_nothing = tones_of([parse_chord("E"), None])
    assert np.flatnonzero(under_e == Tone.CHORD).tolist() == [4, 8, 11]
    assert np.flatnonzero(under_e == Tone.FOREIGN).tolist() == [1, 3, 6, 10]
    assert (under_nothing == Tone.OTHER).all()


def test_more_notes_begin_together_the_higher_the_bias():
    network = opinionated_network(0, 1.0)
    latents = torch.randn(16, TINY.latent_size, generator=torch.Generator().manual_seed(0))
    shares = []
    for bias in (-50.0, 0.0, 3.0):
        table = decode_phrases(network, latents, 48, bias=bias_of(SlotBias(same_onset=bias), 16))
        phrases = [table.phrase(index) for index in range(len(table))]
        onsets = sum(len(np.unique(phrase.onset_ticks)) for phrase in phrases)
        shares.append(onsets / sum(map(len, phrases)))
    assert shares[0] > shares[1] > shares[2]


def test_the_lowest_pitch_leaves_no_room_at_its_onset():
    network = tiny_network()
    favour(network, Attribute.ONSET, 5)
    favour(network, Attribute.PITCH, 0)
    notes = decode_phrases(network, torch.zeros(1, TINY.latent_size), 7).phrase(0)
    assert notes.table[0, [0, 2]].tolist() == [5, 0]
    assert set(notes.onset_ticks[1:].tolist()) <= {6}


def test_a_bar_of_one_tick_whose_lowest_pitch_is_struck_is_full():
    network = tiny_network()
    favour(network, Attribute.PITCH, 0)
    notes = decode_phrases(network, torch.zeros(1, TINY.latent_size), 1).phrase(0)
    assert notes.table[:, [0, 2]].tolist() == [[0, 0]]


def test_a_pitch_that_still_sounds_is_not_struck_again():
    network = tiny_network()
    with torch.no_grad():
        network.heads[Attribute.ONSET].bias[:96] = torch.arange(96, 0, -1) * 1e4  # the earliest that is allowed
        network.heads[Attribute.PITCH].bias[:61] = torch.arange(61) * 1e4  # the highest of the free ones up to 60
        network.heads[Attribute.DURATION].bias[191] = 1e4
    notes = decode_phrases(network, torch.zeros(1, TINY.latent_size), 48).phrase(0)
    assert notes.pitch[:61].tolist() == list(range(60, -1, -1))
    assert (notes.pitch[61:] > 60).all()


@pytest.mark.parametrize(("header", "expected"), [(SILENT_HEADER, 0), (DRUMS_HEADER, 1), (33, 1)])
def test_the_header_says_what_sounds(header, expected):
    network = tiny_network()
    with torch.no_grad():
        network.header_head[2].bias[header] = 1e4
    table = decode_phrases(network, torch.randn(3, TINY.latent_size), 48)
    assert table.headers.tolist() == [header] * 3
    assert (np.minimum(table.num_notes, 1) == expected).all()


def test_phrases_do_not_depend_on_their_neighbours():
    """They end at different times, and the others go on undisturbed; float64, so that no near tie falls otherwise."""
    network = tiny_network(3).double()
    latents = torch.randn(12, TINY.latent_size, dtype=torch.float64) * 3
    together = decode_phrases(network, latents, 48)
    assert len(set(together.num_notes.tolist())) > 3
    alone = [decode_phrases(network, latents[i : i + 1], 48) for i in range(len(latents))]
    assert together.headers.tolist() == [int(table.headers[0]) for table in alone]
    assert [together.phrase(i) for i in range(len(latents))] == [table.phrase(0) for table in alone]


def test_draws_repeat_with_torch_s_seed_and_temperature_makes_them_vary():
    network, latents = tiny_network(), torch.zeros(4, TINY.latent_size)
    torch.manual_seed(1)
    first = decode_phrases(network, latents, 48, temperature=1.0)
    second = decode_phrases(network, latents, 48, temperature=1.0)
    torch.manual_seed(1)
    again = decode_phrases(network, latents, 48, temperature=1.0)
    assert first.steps.tolist() == again.steps.tolist() != second.steps.tolist()


def test_the_velocity_is_the_median_of_its_distribution():
    network = tiny_network()
    with torch.no_grad():
        for parameter in network.embeddings[Attribute.VELOCITY].parameters():
            parameter.zero_()
        bias = network.heads[Attribute.VELOCITY].bias
        bias.fill_(-1e4)
        bias[[10, 60, 100]] = torch.tensor([0.4, 0.35, 0.25]).log()  # the likeliest is 10
    table = decode_phrases(network, torch.zeros(1, TINY.latent_size), 48)
    assert set(table.steps[:, Attribute.VELOCITY].tolist()) == {60}


def test_no_phrases_of_no_latents():
    assert len(decode_phrases(tiny_network(), torch.zeros(0, TINY.latent_size), 48)) == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_latents_that_are_not_finite_are_refused(value):
    latents = torch.zeros(3, TINY.latent_size)
    latents[1, 2] = value
    with pytest.raises(ValueError, match="not finite"):
        decode_phrases(tiny_network(), latents, 48)


@pytest.mark.parametrize("shape", [(3, 12), (13,), (1, 1, 13)])
def test_latents_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected \[p, 13\]"):
        decode_phrases(tiny_network(), torch.zeros(shape), 48)


@pytest.mark.parametrize("ticks_per_bar", [0, 97])
def test_bars_that_the_vocabulary_does_not_know_are_refused(ticks_per_bar):
    with pytest.raises(ValueError, match=f"ticks_per_bar is {ticks_per_bar}, expected 1 to 96"):
        decode_phrases(tiny_network(), torch.zeros(1, TINY.latent_size), ticks_per_bar)
