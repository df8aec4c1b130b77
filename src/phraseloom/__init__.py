"""phraseloom: whole multitrack songs as MIDI, drawn in one pass."""

__version__ = "0.1.0"
