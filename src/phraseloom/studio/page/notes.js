/**
 * Notes as data: `[onset_ticks, duration_ticks, pitch, velocity]`, a list for each track. No drawing here.
 */

import { TICKS_PER_BAR } from "./timeline.js";

const LEAST_PITCHES = 25;
const PITCHES_AROUND = 2;

/** The bar in which a note begins, from 0. */
export const barOf = ([onset]) => Math.floor(onset / TICKS_PER_BAR);

/** Lowest and highest pitch to draw for some tracks, with air around them and at least two octaves. */
export function pitchRange(tracks) {
  const pitches = tracks.flatMap((track) => track.notes.map(([, , pitch]) => pitch));
  if (!pitches.length) return { low: 48, high: 48 + LEAST_PITCHES - 1 };
  const low = pitches.reduce((a, b) => Math.min(a, b)) - PITCHES_AROUND;
  const high = pitches.reduce((a, b) => Math.max(a, b)) + PITCHES_AROUND;
  const missing = Math.max(0, LEAST_PITCHES - (high - low + 1));
  return { low: low - Math.floor(missing / 2), high: high + Math.ceil(missing / 2) };
}
