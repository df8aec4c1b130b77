"""Songs from plans: plan, generate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from phraseloom import terminal
from phraseloom.cli.application import PlanFile, app
from phraseloom.cli.takes import TakeOptions, load_composer, make_takes
from phraseloom.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from phraseloom.composer import Composer, Composition
    from phraseloom.plan import SongPlan
    from phraseloom.progress import Progress
    from phraseloom.ranking import Rating

_MIDI_SUFFIXES = (".mid", ".midi")
Best = Annotated[int | None, Parameter(validator=Number(gte=1))]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """What is asked of a song.

    Parameters
    ----------
    bars
        Length of the song in bars.
    form
        Sections as letters with lengths in bars, such as "i4 A8 A8 B8 o4"; capitals have a melody.
    key
        Such as G, "G major", Am or "F# minor".
    tempo
        Quarter notes a minute.
    chords
        For letters of the form or for the whole song, such as "A: C Am F G; B: F | G Em . Am"; one a bar, or the bars
        with "|" between them.
    tracks
        Who plays in which sections, such as "A: melody piano; B: all; o: none".
    density
        How many notes a bar tracks play in which sections, such as "A: melody 5, piano 9; B: all 12"; 0 rests.
        Who plays and who rests by tracks does so all the same.
    repeat
        How much of a section that returns is the same note for note: 0 nothing, 0.5 as much as in the songs that the
        model has learned from (the default), 1 everything.
    plan
        TOML file with a plan, as the command plan prints it, or a MIDI file that was composed by us; the other options
        go before it.
    """

    bars: int | None = None
    form: str | None = None
    key: str | None = None
    tempo: float | None = None
    chords: str | None = None
    tracks: str | None = None
    density: str | None = None
    repeat: float | None = None
    plan: PlanFile = None

    def asked(self) -> SongPlan:
        """The plan in the file, if there is one, with what the options say instead."""
        from phraseloom.plan import SongPlan

        options: dict[str, Any] = {
            "num_bars": self.bars,
            "form": self.form,
            "key": self.key,
            "tempo_bpm": self.tempo,
            "repeat": self.repeat,
            "chords": self.chords,
            "tracks": self.tracks,
            "density": self.density,
        }
        given = {name: value for name, value in options.items() if value is not None}
        if self.plan is None:
            return SongPlan(**given)
        if {"num_bars", "form"} & given.keys():  # the file's length is not that of another form
            given = {"num_bars": None, "form": None, "density": None, **given}
        return replace(_read_plan(self.plan), **given)


@app.command(name="plan")
def propose_plan(*, asked: PlanOptions | None = None, seed: int | None = None, checkpoint: Path | None = None) -> None:
    """Print the plan of a song as TOML, what is not given proposed, to be edited and handed to generate.

    Parameters
    ----------
    seed
        The plan is the one that generate follows with this seed.
    checkpoint
        Folder with weights of your own training.
    """
    from phraseloom.plan_file import plan_toml

    plan = (asked or PlanOptions()).asked()
    composer, _ = load_composer(checkpoint)
    print(plan_toml(composer.propose(plan, seed=composer.any_seed() if seed is None else seed)), end="")


@app.command
def generate(*, asked: PlanOptions | None = None, best: Best = None, options: TakeOptions) -> None:
    """Compose a song. What is not asked for is chosen by the seed, and told.

    Parameters
    ----------
    best
        Of the songs that --count says, write only so many, the best first: those that met the plan best and are closest
        to real music. Nothing is written before all are made; why each is where it is, is told.
    """
    plan = (asked or PlanOptions()).asked()
    if best is not None and best > options.count:
        raise RequestError(
            f"the best {best} of {options.count} songs are asked for", f"make more, such as --count {4 * best}"
        )

    def compose(composer: Composer, seed: int | None, progress: Progress) -> Composition:
        return composer.generate(plan, seed=seed, progress=progress, **options.sampling)

    if best is None:
        make_takes(compose, options)
    else:
        make_takes(_BestFirst(compose, options.count), replace(options, count=best))


@dataclass
class _BestFirst:
    """Makes all songs when it is first asked for one, and then gives the best, the next best and so on."""

    compose: Callable[[Composer, int | None, Progress], Composition]
    count: int
    waiting: list[Composition] = field(default_factory=list)

    def __call__(self, composer: Composer, seed: int | None, progress: Progress) -> Composition:
        if not self.waiting:
            self.waiting = self._ranked(composer, seed, progress)
        return self.waiting.pop(0)

    def _ranked(self, composer: Composer, seed: int | None, progress: Progress) -> list[Composition]:
        from phraseloom.ranking import ranked

        songs: list[Composition] = []
        for number in range(self.count):

            def told(doing: str, share: float, number: int = number) -> None:
                progress(f"{doing} {number + 1} of {self.count}", (number + share) / self.count)

            songs.append(self.compose(composer, seed, told))
            seed = composer.seed_after(songs[-1].seed)
        order = ranked([(song.score, song.plan) for song in songs], composer.real_music)
        for place, (index, rating) in enumerate(order, 1):
            terminal.say(f"{place}. seed {songs[index].seed}, {rating.text()}")
        return [_with_rank(songs[index], place, rating) for place, (index, rating) in enumerate(order, 1)]


def _with_rank(song: Composition, place: int, rating: Rating) -> Composition:
    """The song with its place and rating in its report."""
    parts = {name: round(value, 3) for name, value in rating.parts.items()}
    told = {"place": place, "score": round(rating.score, 3), "parts": parts}
    return replace(song, report={**song.report, "ranking": told})


def _read_plan(path: Path) -> SongPlan:
    """The plan in a TOML file, or the one that a MIDI file was composed to."""
    if path.suffix.lower() not in _MIDI_SUFFIXES:
        from phraseloom.plan_file import read_plan

        return read_plan(path)
    from phraseloom.midi import load_midi
    from phraseloom.song_recipe import SongRecipe

    recipe = SongRecipe.parse(load_midi(path).recipe)
    plan = None if recipe is None else recipe.plan
    if plan is None:
        raise RequestError(f"{path} does not say which plan it was composed to", "give a plan as a .toml file")
    return plan
