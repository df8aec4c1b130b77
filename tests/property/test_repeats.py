"""Laws of repeats: what is found is there, what is proposed can be, and a prior is its file."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.form import BarPositions, Section, bar_positions, num_bars_of
from phraseloom.repeats import FRESH, RepeatPrior, State, cell_contents, find_sources, owners_of
from phraseloom.score import Notes, Score, Track
from phraseloom.transforms import cut

NUM_SLOTS = 3

forms = st.lists(st.builds(Section, st.sampled_from("ABa"), st.integers(1, 6)), min_size=1, max_size=8).map(tuple)
seeds = st.integers(0, 2**32)
shares = st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0])
states: st.SearchStrategy[State] = st.sets(st.integers(0, NUM_SLOTS - 1)).map(lambda slots: tuple(sorted(slots)))
followings = st.dictionaries(states, st.floats(0.5, 1e6) | st.integers(1, 1000), min_size=1)
priors = st.dictionaries(st.tuples(st.booleans(), st.none() | states), followings).map(
    lambda counts: RepeatPrior(NUM_SLOTS, counts)
)


@st.composite
def songs(draw: st.DrawFn) -> Score:
    """Bars of few different phrases, so that many are alike."""
    sections = draw(forms)
    num_bars = num_bars_of(sections)
    phrase = st.sampled_from([(), ((0, 12, 60),), ((0, 24, 60),), ((0, 12, 60), (24, 24, 62))])
    tracks = []
    for _ in range(draw(st.integers(1, 2))):
        phrases = draw(st.lists(phrase, min_size=num_bars, max_size=num_bars))
        velocity = draw(st.integers(1, 127))
        rows = [
            (48 * bar + onset, duration, pitch, velocity)
            for bar, notes in enumerate(phrases)
            for onset, duration, pitch in notes
        ]
        tracks.append(Track("track", Notes.from_rows(rows)))
    return Score(tuple(tracks), num_bars, sections=sections)


def place(bars: BarPositions, bar: int) -> tuple[int, int]:
    """Equal for homologous bars."""
    return int(bars.letter_index[bar]), int(bars.offset[bar])


def check_sources(sections: tuple[Section, ...], sources: np.ndarray) -> None:
    """They point to earlier, homologous bars, in the same slot, that repeat nothing themselves."""
    bars = bar_positions(sections)
    for bar, slot in np.argwhere(sources != FRESH):
        source = sources[bar, slot]
        assert 0 <= source < bar
        assert sources[source, slot] == FRESH
        assert place(bars, source) == place(bars, bar)


def has_homologous_bar_before(sections: tuple[Section, ...]) -> np.ndarray:
    """`[n]` bool."""
    bars = bar_positions(sections)
    places = [place(bars, bar) for bar in range(len(bars))]
    return np.array([place in places[:bar] for bar, place in enumerate(places)])


@given(songs())
def test_what_is_found_is_equal_and_all_that_is(score: Score) -> None:
    phrases, bars = cut(score), bar_positions(score.sections)
    sources = find_sources(score.sections, cell_contents(score))
    check_sources(score.sections, sources)
    for bar in range(score.num_bars):
        for slot in range(len(score.tracks)):
            notes = phrases[bar][slot].table[:, :3]
            alike = [
                earlier
                for earlier in range(bar)
                if place(bars, earlier) == place(bars, bar)
                and np.array_equal(phrases[earlier][slot].table[:, :3], notes)
            ]
            assert sources[bar, slot] == (alike[0] if alike else FRESH)


@given(priors, forms, shares, seeds)
def test_what_is_proposed_can_be(prior: RepeatPrior, form: tuple[Section, ...], repeat: float, seed: int) -> None:
    sources = prior.propose(form, repeat, np.random.default_rng(seed))
    assert sources.shape == (num_bars_of(form), NUM_SLOTS)
    check_sources(form, sources)
    owners = owners_of(sources)
    np.testing.assert_array_equal(np.take_along_axis(owners, owners, axis=0), owners)


@given(priors, forms, seeds)
def test_the_ends_of_the_knob_are_nothing_and_all(prior: RepeatPrior, form: tuple[Section, ...], seed: int) -> None:
    nothing, everything = (prior.propose(form, repeat, np.random.default_rng(seed)) for repeat in (0, 1))
    assert (nothing == FRESH).all()
    np.testing.assert_array_equal((everything != FRESH).T, [has_homologous_bar_before(form)] * NUM_SLOTS)


@given(priors, forms, shares, seeds)
def test_a_prior_is_its_file(prior: RepeatPrior, form: tuple[Section, ...], repeat: float, seed: int) -> None:
    again = RepeatPrior.from_dict(json.loads(json.dumps(prior.to_dict())))
    assert again == prior
    proposals = [each.propose(form, repeat, np.random.default_rng(seed)) for each in (prior, again)]
    np.testing.assert_array_equal(*proposals)


@given(st.lists(st.tuples(forms, seeds), max_size=4))
def test_a_fitted_prior_counts_every_bar_that_could_repeat(songs: list[tuple[tuple[Section, ...], int]]) -> None:
    rng_songs = []
    for form, seed in songs:
        contents = np.random.default_rng(seed).integers(0, 2, (num_bars_of(form), NUM_SLOTS))
        rng_songs.append((form, find_sources(form, contents)))
    prior = RepeatPrior.fit(rng_songs, NUM_SLOTS)
    counted = sum(count for following in prior.counts.values() for count in following.values())
    assert counted == sum(int(has_homologous_bar_before(form).sum()) for form, _ in songs)
    repeated = sum(len(state) * n for following in prior.counts.values() for state, n in following.items())
    assert repeated == sum(int((sources != FRESH).sum()) for _, sources in rng_songs)
