"""Sources of songs to learn from: POP909 with its labels, any folder of MIDI files; splits; what is kept on disk."""
