"""Noise levels, targets and samplers; no network and no file is known here."""
