"""Plans and edits to songs, with what is said about how they came to be."""

from __future__ import annotations

import operator
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np

from phraseloom import editing
from phraseloom.cast import PLAYS, RESTS, Cast
from phraseloom.chord_chart import chart_of
from phraseloom.density import FREE, Density, parse_density
from phraseloom.diffusion.guidance import Guidance
from phraseloom.drawing import Drawn, draw
from phraseloom.editing import Edit
from phraseloom.errors import RequestError
from phraseloom.evaluation.chord_agreement import chord_agreement
from phraseloom.form import MAX_BARS, Section, format_form, num_bars_of, parse_form
from phraseloom.harmony import Key
from phraseloom.melody_index import MELODY_INDEX_FILE, MelodyIndex
from phraseloom.midi.annotations import RECIPE_PREFIX as RECIPE_PREFIX
from phraseloom.parts import melody_given
from phraseloom.phrase_codec import PHRASE_VAE_FILE, PhraseCodec
from phraseloom.plan import SettledPlan, SongPlan
from phraseloom.pretrained import PRETRAINED_DIRECTORY
from phraseloom.progress import Progress, silent
from phraseloom.ranking import REAL_MUSIC_FILE, RealMusic
from phraseloom.regions import format_cells
from phraseloom.repeats import FRESH, cell_contents, compensated, find_sources, shared_noise_of
from phraseloom.request import KNOWN, NEW, Request
from phraseloom.score import Notes, Score, TempoChange, Track
from phraseloom.settling import with_chords, with_returns, with_textures
from phraseloom.song_model import SONG_DIT_FILE, SongModel, load_song_model
from phraseloom.song_recipe import SongRecipe, Step
from phraseloom.structure import key_of_notes
from phraseloom.texture import RESTS as NO_NOTES
from phraseloom.texture import UNKNOWN, texture_of_bars
from phraseloom.timing import grid_timing
from phraseloom.transforms import normalising_shift

DEFAULT_STEPS = 16
"""Songs are as good as with 24, and as with a solver of second order (`docs/model_card.md`)."""
DEFAULT_GUIDANCE = Guidance(scale=2.5, sharpness=1.0)
"""Songs follow chords nine tenths as well as real ones, with a little to spare; half the sharpness is worse, and
1.4 times as much no better (`docs/ablations.md`)."""
MAX_STEPS = 1000
MAX_SEED = 2**31 - 1
MAX_COUNT = 1000
_REPEATS, _CHORDS, _TEXTURES = 1, 2, 4
"""Beside the seed, so that each prior has random numbers of its own."""


@dataclass(frozen=True)
class Take:
    """A song and how it came to be.

    Attributes:
        seed: gives the same song again, with the same request, steps, weights and machine.
        seconds: wall time of `load` (once a composer), `sampling` and `decoding`.
        report: of each thing asked, what was `asked` and what was `got`; of chords the share of beats that agree; and
            `originality` (see `MelodyIndex.originality`) where the weights come with a melody index.
        recipe: request, seed, steps and fingerprint of the weights as one line of text, to travel in the MIDI file;
            of an edit also the steps before it, as `phraseloom.song_recipe` has them.
        plan: what a song like this one could be asked for by; None where it is too long to be composed.
        remarks: what may not be what was meant, a sentence each.
    """

    score: Score
    seed: int
    seconds: dict[str, float]
    report: dict[str, dict[str, Any]]
    recipe: str
    plan: SongPlan | None = field(default=None, kw_only=True)
    remarks: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Composition(Take):
    """A song composed to a plan.

    Attributes:
        plan: as it was followed, with nothing left open.
        sources: `[bars, tracks]` for every cell the bar that it repeats note for note, -1 for none. A note that rings
            on may be shorter than its model, where a later bar strikes it again.
    """

    plan: SongPlan = field(kw_only=True)
    sources: np.ndarray = field(kw_only=True)


class TakeOptions(TypedDict, total=False):
    """How takes of an edit are made; whatever is left out is as for `Composer.edit`.

    Attributes:
        count: how many takes, 1 to 1000; 1 where left out.
        seed: of the first take; the next ones have the seeds that follow.
        density: as for `phraseloom.editing.with_density`; a text as `phraseloom.density` reads it.
    """

    count: int
    seed: int | None
    density: str | Density | None
    steps: int
    guidance: Guidance
    progress: Progress | None
    recipe: SongRecipe | None


class Composer:
    """Composes and edits songs with one set of weights.

    Attributes:
        melody_index: of the training songs, for the originality in reports; None where it is not beside the weights.
        real_music: what the training songs are like, to rank songs by; None as above.
    """

    def __init__(
        self,
        codec: PhraseCodec,
        model: SongModel,
        load_seconds: float = 0.0,
        *,
        melody_index: MelodyIndex | None = None,
        real_music: RealMusic | None = None,
    ) -> None:
        self.codec, self.model = codec, model
        self.melody_index, self.real_music = melody_index, real_music
        self._load_seconds = load_seconds

    @classmethod
    def pretrained(cls) -> Composer:
        """The composer with the weights that come with the package."""
        return cls.load(PRETRAINED_DIRECTORY)

    @classmethod
    def load(cls, directory: Path | str) -> Composer:
        """The composer with the weights in a folder, as `phraseloom train` leaves them.

        Raises:
            UnreadableFileError: the folder holds no weights, or something beside them is damaged.
            CheckpointError: they are of another version, or do not belong together.
        """
        directory = Path(directory)
        started = time.perf_counter()
        codec = PhraseCodec.load(directory / PHRASE_VAE_FILE)
        model = load_song_model(directory / SONG_DIT_FILE, codec)
        melody_index = MelodyIndex.load(directory / MELODY_INDEX_FILE)
        real_music = RealMusic.load(directory / REAL_MUSIC_FILE)
        seconds = time.perf_counter() - started
        return cls(codec, model, seconds, melody_index=melody_index, real_music=real_music)

    def generate(
        self,
        plan: SongPlan | None = None,
        *,
        seed: int | None = None,
        steps: int = DEFAULT_STEPS,
        guidance: Guidance = DEFAULT_GUIDANCE,
        progress: Progress | None = None,
    ) -> Composition:
        """Composes a song to a plan; what the plan leaves open is drawn with the seed.

        Args:
            seed: 0 to 2147483647; drawn and reported where None.
            steps: evaluations of the song transformer, 1 to 1000.
            guidance: how much more than it would by itself the network does what the plan says, and leaves what only
                a part of it would do.

        Raises:
            RequestError: seed or steps out of range.
        """
        seed, steps = _checked_seed(seed), _checked("steps", steps, 1, MAX_STEPS)
        plan = self.propose(plan, seed=seed)
        settled = plan.settled
        repeat_rng = np.random.default_rng([seed, _REPEATS])
        sources = self.model.repeat_prior.propose(settled.form, compensated(settled.repeat), repeat_rng)
        sounds = None if settled.cast is None else settled.cast.playing(settled.form, self._slot_names)
        levels = np.full(sources.shape, NEW) if sounds is None else np.where(sounds == RESTS, KNOWN, NEW)
        texture = texture_of_bars(self._textures(plan, seed), settled.form)
        shared_noise = shared_noise_of(settled.repeat)
        request = Request(self._empty_score(settled), levels, sources, sounds, texture, shared_noise)
        drawn = self._draw(request, seed, steps, guidance, progress)
        return Composition(
            score=drawn.song,
            seed=seed,
            seconds={"load": self._load_seconds, **drawn.seconds},
            report={**_report(plan, sources, drawn.song), **self._originality(drawn.song)},
            recipe=SongRecipe((self._step(seed, steps, {"plan": plan.to_dict()}),)).text(),
            plan=plan,
            sources=sources,
        )

    def propose(self, plan: SongPlan | None = None, *, seed: int) -> SongPlan:
        """The plan that `generate` follows with this seed: what is given, and the rest drawn.

        Raises:
            RequestError: seed out of range.
        """
        plan = (plan or SongPlan()).completed(np.random.default_rng(_checked_seed(seed)), self.model.plan_prior)
        if plan.form is not None and self.model.texture_prior.letters:
            density = (plan.density or FREE).filled(self._textures(plan, seed), plan.form, self._slot_names)
            plan = replace(plan, density=density)
        if plan.chords is not None:
            return plan
        form, key, *_ = plan.settled
        chart = self.model.chord_prior.propose(form, key.mode, np.random.default_rng([seed, _CHORDS]))
        return plan if chart is None else replace(plan, chords=chart.transposed(-normalising_shift(key)))

    def edit(
        self,
        edit: Edit,
        *,
        seed: int | None = None,
        steps: int = DEFAULT_STEPS,
        guidance: Guidance = DEFAULT_GUIDANCE,
        progress: Progress | None = None,
        recipe: SongRecipe | None = None,
    ) -> Take:
        """Writes what an edit (see `phraseloom.editing`) leaves open; arguments and errors as for `generate`.

        In the report, the `written_cells` that were `got` are those with notes; of the song's notes, those that are not
        `notes_on_grid` keep the time at which they were played where they stay, and the network was shown the grid.
        Where the edit leaves nothing open, the take is the very song.

        Args:
            recipe: of the song as it was, to which that of the take adds a step.
        """
        seed, steps = _checked_seed(seed), _checked("steps", steps, 1, MAX_STEPS)
        edit = self._settled(edit, seed)
        levels = edit.request.levels
        drawn = self._draw(edit.request, seed, steps, guidance, progress) if levels.any() else None
        song = edit.score if drawn is None else edit.finished(drawn.song)
        locked = None if edit.locked is None else format_cells(edit.locked, edit.score)
        step = self._step(seed, steps, {"edit": edit.told})
        return Take(
            score=song,
            seed=seed,
            seconds={"load": self._load_seconds, **({} if drawn is None else drawn.seconds)},
            report={**_edit_report(edit, None if drawn is None else drawn.song, song), **self._originality(song)},
            recipe=(recipe or SongRecipe()).followed_by(step, locked).text(),
            plan=_plan_of(song),
            remarks=edit.remarks,
        )

    def infill(
        self,
        score: Score,
        bars: str | None = None,
        tracks: Sequence[str] | None = None,
        *,
        given: Sequence[str] = (),
        locked: str | None = None,
        **options: Unpack[TakeOptions],
    ) -> list[Take]:
        """Takes of `phraseloom.editing.infill`: new music in some bars of some tracks.

        Args:
            locked: cells that stay, as `phraseloom.regions.parse_cells` reads them; None for those that the recipe
                locks. So for all edits.

        Raises:
            RequestError, UnsupportedScoreError: as the function of `phraseloom.editing`; so do all edits.
        """
        locks = _locks(locked, options)
        edit = editing.infill(score, self.model.slots, bars, tracks, given=given, locked=locks)
        return self.takes(edit, **options)

    def vary(
        self,
        score: Score,
        distance: float,
        bars: str | None = None,
        tracks: Sequence[str] | None = None,
        *,
        given: Sequence[str] = (),
        locked: str | None = None,
        **options: Unpack[TakeOptions],
    ) -> list[Take]:
        """Takes of `phraseloom.editing.vary`: the same music, near (0) to far (1)."""
        locks = _locks(locked, options)
        edit = editing.vary(score, self.model.slots, distance, bars, tracks, given=given, locked=locks)
        return self.takes(edit, **options)

    def extend(
        self,
        score: Score,
        form: str | Sequence[Section] | int,
        *,
        before: bool = False,
        given: Sequence[str] = (),
        locked: str | None = None,
        **options: Unpack[TakeOptions],
    ) -> list[Take]:
        """Takes of `phraseloom.editing.extend`: the song goes on, for sections or for a number of bars."""
        sections = editing.new_section(score, form) if isinstance(form, int) else _sections(form)
        locks = _locks(locked, options)
        edit = editing.extend(score, self.model.slots, sections, before=before, given=given, locked=locks)
        return self.takes(edit, **options)

    def restructure(
        self,
        score: Score,
        form: str | Sequence[Section],
        *,
        given: Sequence[str] = (),
        locked: str | None = None,
        **options: Unpack[TakeOptions],
    ) -> list[Take]:
        """Takes of `phraseloom.editing.restructure`: the song in another form, built from its own sections."""
        locks = _locks(locked, options)
        edit = editing.restructure(score, self.model.slots, _sections(form), given=given, locked=locks)
        return self.takes(edit, **options)

    def arrange(
        self,
        score: Score,
        given: Sequence[str] = (),
        *,
        melody: str | None = None,
        keep_others: bool = False,
        locked: str | None = None,
        **options: Unpack[TakeOptions],
    ) -> list[Take]:
        """Takes of `phraseloom.editing.arrange`: the missing parts to those that are given.

        Args:
            given: such as `Bridge=2`.
            melody: the melody's track, by name or number from 1; found where neither it nor anything is given.
        """
        if melody is not None or not given:
            given = [melody_given(score, self.model.slots, melody), *given]
        locks = _locks(locked, options)
        edit = editing.arrange(score, self.model.slots, given, keep_others=keep_others, locked=locks)
        return self.takes(edit, **options)

    def takes(self, edit: Edit, **options: Unpack[TakeOptions]) -> list[Take]:
        """Takes of one edit.

        Raises:
            RequestError: as `edit`, a count out of range, or a density that does not fit the song.
            ParseError: the text of the density does not parse.
        """
        rest: dict[str, Any] = {**options}
        density = rest.pop("density", None)
        if density is not None:
            edit = editing.with_density(edit, parse_density(density) if isinstance(density, str) else density)
        count = _checked("count", rest.pop("count", 1), 1, MAX_COUNT)
        progress = rest.pop("progress", None) or silent
        made: list[Take] = []
        for number in range(count):

            def told(doing: str, share: float, number: int = number) -> None:
                progress(doing, (number + share) / count)

            made.append(self.edit(edit, progress=told, **rest))
            rest["seed"] = self.seed_after(made[-1].seed)
        return made

    @property
    def _slot_names(self) -> list[str]:
        return [slot.name for slot in self.model.slots]

    def _textures(self, plan: SongPlan, seed: int) -> np.ndarray:
        """`[sections, slots, aspects]` grades of a plan with a form: as it asks, the rest drawn with the seed."""
        form = plan.form or ()
        asked = (plan.density or FREE).grades(form, self._slot_names)
        cast = np.zeros(asked.shape[:2]) if plan.tracks is None else _of_sections(plan.tracks, form, self._slot_names)
        asked[cast == RESTS] = NO_NOTES
        shift = normalising_shift(plan.settled.key)
        drawn = self.model.texture_prior.propose(form, asked, np.random.default_rng([seed, _TEXTURES]), shift=shift)
        drawn[cast == RESTS] = NO_NOTES
        drawn[(cast == PLAYS) & (drawn[..., 0] == NO_NOTES)] = UNKNOWN
        return drawn

    def _settled(self, edit: Edit, seed: int) -> Edit:
        """The edit with what the priors say of it: what returns in added bars, chords to what is heard, textures."""
        if edit.is_longer:
            edit = with_returns(edit, self.model.repeat_prior, np.random.default_rng([seed, _REPEATS]))
        elif edit.heard:
            edit = with_chords(edit, self.model.chord_prior)
        return with_textures(edit, self.model.texture_prior, np.random.default_rng([seed, _TEXTURES]))

    def _draw(self, request: Request, seed: int, steps: int, guidance: Guidance, progress: Progress | None) -> Drawn:
        return draw(
            request, self.codec, self.model, seed=seed, steps=steps, guidance=guidance, progress=progress or silent
        )

    def _originality(self, song: Score) -> dict[str, dict[str, Any]]:
        return {} if self.melody_index is None else {"originality": self.melody_index.originality(song)}

    def _step(self, seed: int, steps: int, asked: dict[str, Any]) -> Step:
        return {**asked, "seed": seed, "steps": steps, "weights": self.model.fingerprint}

    @staticmethod
    def any_seed() -> int:
        """A seed to begin with, drawn by the operating system."""
        return secrets.randbelow(MAX_SEED + 1)

    @staticmethod
    def seed_after(seed: int) -> int:
        """The next seed, for one more take; the first one follows the last."""
        return (seed + 1) % (MAX_SEED + 1)

    def _empty_score(self, plan: SettledPlan) -> Score:
        """The song without its notes."""
        return Score(
            tracks=tuple(Track(slot.name, Notes.empty(), slot.program, slot.is_drum) for slot in self.model.slots),
            num_bars=num_bars_of(plan.form),
            tempos=(TempoChange(0, plan.tempo_bpm),),
            sections=plan.form,
            chords=plan.chords,
            key=plan.key,
        )


def _of_sections(cast: Cast, form: tuple[Section, ...], slots: list[str]) -> np.ndarray:
    """`[sections, slots]` what a cast says."""
    first_bars = np.cumsum([0, *(section.num_bars for section in form[:-1])])
    return cast.playing(form, slots)[first_bars]


def _locks(locked: str | None, options: TakeOptions) -> str | None:
    """What the user locks, or else the song's recipe."""
    recipe = options.get("recipe")
    return recipe.locked if locked is None and recipe is not None else locked


def _sections(form: str | Sequence[Section]) -> tuple[Section, ...]:
    return parse_form(form) if isinstance(form, str) else tuple(form)


def _plan_of(score: Score) -> SongPlan | None:
    """What a song says of itself, as a plan."""
    if score.num_bars > MAX_BARS:
        return None
    chords = chart_of(score.chords, score.sections) if score.sections else None
    form = score.sections or None
    return SongPlan(score.num_bars, form=form, key=score.key, tempo_bpm=score.tempo_bpm, chords=chords)


def _edit_report(edit: Edit, drawn: Score | None, song: Score) -> dict[str, dict[str, Any]]:
    """Of `drawn`, the window, where anything was, and of the whole song."""
    is_open = edit.request.levels > KNOWN
    timing = grid_timing(edit.score)
    return {
        "written_cells": {
            "asked": int(np.count_nonzero(is_open)),
            "got": 0 if drawn is None else int(np.count_nonzero((cell_contents(drawn) > 0) & is_open)),
        },
        "bars": {"asked": edit.score.num_bars, "got": song.num_bars},
        "notes_on_grid": {
            "asked": timing.num_notes,
            "got": timing.num_notes - timing.num_moved,
            "largest_distance_ms": timing.largest_distance_ms,
        },
    }


def _report(plan: SongPlan, sources: np.ndarray, score: Score) -> dict[str, dict[str, Any]]:
    form, key, tempo_bpm, _, chords, *_ = plan.settled
    found = find_sources(score.sections, cell_contents(score))
    report: dict[str, dict[str, Any]] = {
        "bars": {"asked": num_bars_of(form), "got": score.num_bars},
        "form": {"asked": format_form(form), "got": format_form(score.sections)},
        "key": {"asked": str(key), "got": _text(key_of_notes(score.tracks))},
        "tempo_bpm": {"asked": tempo_bpm, "got": score.tempo_bpm},
        "repeated_cells": {"asked": _num_repeated(sources), "got": _num_repeated(found)},
    }
    if chords:
        agreement = chord_agreement(score)
        is_nothing = agreement.num_beats == 0
        report["agreeing_beats"] = {"asked": 1.0, "got": None if is_nothing else round(agreement.asked, 3)}
    return report


def _num_repeated(sources: np.ndarray) -> int:
    return int(np.count_nonzero(sources != FRESH))


def _text(key: Key | None) -> str | None:
    return None if key is None else str(key)


def _checked_seed(seed: int | None) -> int:
    return Composer.any_seed() if seed is None else _checked("seed", seed, 0, MAX_SEED)


def _checked(name: str, value: int, low: int, high: int) -> int:
    error = RequestError(f"{name} is {value!r}, allowed are {low} to {high}", "give a whole number in that range")
    try:
        whole = operator.index(value)
    except TypeError:
        raise error from None
    if not low <= whole <= high:
        raise error
    return whole
