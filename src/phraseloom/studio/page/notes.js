/**
 * Notes as data: `[onset_ticks, duration_ticks, pitch, velocity]`, a list for each track. No drawing here.
 */

import { TICKS_PER_BAR } from "./timeline.js";

const LEAST_PITCHES = 25;
const PITCHES_AROUND = 2;

export const barOf = ([onset]) => Math.floor(onset / TICKS_PER_BAR);

/** How many notes begin in each cell: `counts[track][bar]`. */
export function countsByCell(tracks, numBars) {
  return tracks.map((track) => {
    const counts = new Array(numBars).fill(0);
    for (const note of track.notes) if (barOf(note) < numBars) counts[barOf(note)] += 1;
    return counts;
  });
}

/** Lowest and highest pitch to draw for some tracks, with air around them and at least two octaves. */
export function pitchRange(tracks) {
  const pitches = tracks.flatMap((track) => track.notes.map(([, , pitch]) => pitch));
  if (!pitches.length) return { low: 48, high: 48 + LEAST_PITCHES - 1 };
  const low = pitches.reduce((a, b) => Math.min(a, b)) - PITCHES_AROUND;
  const high = pitches.reduce((a, b) => Math.max(a, b)) + PITCHES_AROUND;
  const missing = Math.max(0, LEAST_PITCHES - (high - low + 1));
  return { low: low - Math.floor(missing / 2), high: high + Math.ceil(missing / 2) };
}
