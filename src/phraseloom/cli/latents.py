"""Songs through the latent space: encode, decode, morph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from phraseloom import terminal
from phraseloom.cli.application import STDOUT, Output, Readings, Refinements, app
from phraseloom.errors import RequestError
from phraseloom.files import require_writable

if TYPE_CHECKING:
    from phraseloom.phrase_codec import PhraseCodec
    from phraseloom.score import Score

Folder = Annotated[Path, Parameter(name=["--output", "-o"])]
MorphSteps = Annotated[int, Parameter(validator=Number(gte=2, lte=1000))]


@app.command
def encode(file: Path, *, output: Output, refinements: Refinements = None, checkpoint: Path | None = None) -> None:
    """Write a song as latents: 64 numbers for every bar of every track, to look at or to change.

    They are the array "latents" of a safetensors file, in bars, tracks and numbers. Its header holds all else that
    decode needs but pedals, controllers and the times at which notes were played.

    Parameters
    ----------
    file
        MIDI file, in any meter whose bars are at most eight quarter notes long, with any instruments.
    output
        File to write, such as song.latents.safetensors; "-" is stdout.
    refinements
        How many steps latents that do not decode to their notes are moved at most; 60 where nothing is said. 0 takes
        them as the encoder gives them, which takes a tenth of a second instead of some seconds.
    checkpoint
        Folder with weights of your own training, in place of those in the package.
    """
    _check_output(output)
    score = _read(file)
    from phraseloom.latent_file import latent_song_bytes, write_latent_song
    from phraseloom.latent_songs import encode_song

    options = {} if refinements is None else {"refinements": refinements}
    with terminal.progress_bar() as progress:
        song, losses = encode_song(score, _load_codec(checkpoint), progress=progress, **options)
    if losses.num_notes_dropped:
        terminal.say(f"{file}: notes beyond the 64th of their bar and track, left out: {losses.num_notes_dropped}")
    if losses.num_durations_clipped:
        terminal.say(f"{file}: notes of over 16 quarter notes, shortened: {losses.num_durations_clipped}")
    if output == STDOUT:
        terminal.write_to_stdout(latent_song_bytes(song))
    else:
        write_latent_song(song, Path(output))
    num_bars, num_tracks, size = song.latents.shape
    terminal.say(f"{_named(output)}: {num_bars} bars, {num_tracks} tracks, {size} numbers each")


@app.command
def decode(file: Path, *, output: Output, readings: Readings = None, checkpoint: Path | None = None) -> None:
    """Write latents as a song.

    Parameters
    ----------
    file
        File that encode wrote, its numbers changed or not.
    output
        MIDI file to write; "-" is stdout.
    readings
        How often phrases that do not encode to their latents again are read once more; 6 where nothing is said. More
        take longer and give back more of dense phrases; 0 is best for latents that are no song's.
    checkpoint
        Folder with the weights that encoded it, in place of those in the package.
    """
    _check_output(output)
    from phraseloom.latent_file import read_latent_song
    from phraseloom.latent_songs import decode_song
    from phraseloom.midi import midi_bytes, write_midi

    options = {} if readings is None else {"readings": readings}
    score = decode_song(read_latent_song(file), _load_codec(checkpoint), **options)
    if output == STDOUT:
        terminal.write_to_stdout(midi_bytes(score))
    else:
        write_midi(score, output)
    terminal.say(f"{_named(output)}: {_told(score)}")


@app.command
def morph(
    first: Path,
    last: Path,
    *,
    output: Folder = Path("morph"),
    steps: MorphSteps = 5,
    checkpoint: Path | None = None,
) -> None:
    """Write songs between two songs, bar by bar through the latent space.

    The first and the last are the two songs as the phrase VAE gives them back. Tracks are paired by name, then in their
    order; a track that only one song has fades in or out. The number of bars and the tempo go from one song's to the
    other's; key, meter and instruments change half-way.

    Parameters
    ----------
    first
        MIDI file.
    last
        MIDI file.
    output
        Folder for morph-1.mid, morph-2.mid, ... in this order; made if it is not there.
    steps
        How many songs, both ends counted.
    checkpoint
        Folder with weights of your own training, in place of those in the package.
    """
    _make_folder(output)
    scores = [_read(first), _read(last)]
    from phraseloom.midi import write_midi
    from phraseloom.morphing import morph as songs_between

    with terminal.progress_bar() as progress:
        progress("loading", 0.0)
        for number, score in enumerate(songs_between(*scores, steps, _load_codec(checkpoint), progress), start=1):
            path = output / f"morph-{number:0{len(str(steps))}d}.mid"
            write_midi(score, path)
            terminal.say(f"{path}: {_told(score)}")


def _check_output(output: str) -> None:
    if output == STDOUT:
        terminal.refuse_terminal()
    else:
        require_writable(Path(output))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise RequestError(
            f"{folder} cannot be made: {error.strerror}", "name a folder in one that is there"
        ) from error
    require_writable(folder / "morph-1.mid")


def _read(file: Path) -> Score:
    """The song of a file on the grid, without passengers; what was odd about it goes to stderr."""
    from phraseloom.midi import load_midi, quantise

    midi = load_midi(file)
    quantised = quantise(midi)
    for warning in midi.warnings + quantised.warnings:
        terminal.say(f"{file}: {warning}")
    return quantised.score


def _load_codec(checkpoint: Path | None) -> PhraseCodec:
    from phraseloom.phrase_codec import PHRASE_VAE_FILE, PhraseCodec
    from phraseloom.pretrained import PRETRAINED_DIRECTORY

    return PhraseCodec.load((checkpoint or PRETRAINED_DIRECTORY) / PHRASE_VAE_FILE)


def _named(output: str) -> str:
    return "stdout" if output == STDOUT else output


def _told(score: Score) -> str:
    return f"{score.num_bars} bars, {len(score.tracks)} tracks, {score.num_notes} notes, {score.tempo_bpm:g} bpm" + (
        f", {score.key}" if score.key else ""
    )
