"""Measures of songs: scores and arrays in, numbers out; no torch, so that any system's MIDI can be judged."""
