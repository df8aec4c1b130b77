/**
 * The grid of cells, bar by track: which are empty, fresh, stale or locked, and what there is to weave.
 *
 * Tracks come from the service with `cells` (`.` empty, `=` stale, `#` fresh) and `locked` (`1`, `0`), a character a bar.
 */

import { barsText } from "./timeline.js";

export const EMPTY = ".";
export const STALE = "=";
export const FRESH = "#";

/** `{locked, fresh, stale, empty, open}`: how many cells there are of each kind; open ones may be written by a job. */
export function counts(tracks) {
  const total = { locked: 0, fresh: 0, stale: 0, empty: 0, open: 0 };
  const kinds = { [EMPTY]: "empty", [STALE]: "stale", [FRESH]: "fresh" };
  for (const track of tracks) {
    for (let bar = 0; bar < track.cells.length; bar += 1) {
      total[kinds[track.cells[bar]]] += 1;
      if (isLocked(track, bar)) total.locked += 1;
      else if (track.is_writable) total.open += 1;
    }
  }
  return total;
}

export function isLocked(track, bar) {
  return track.locked[bar] === "1";
}

/** No cell was ever written. */
export function isEmptySong(tracks) {
  return tracks.every((track) => !/[#=]/.test(track.cells));
}

/** An unlocked cell of the model's tracks is empty or stale, in a song that has music. */
export function hasGaps(tracks) {
  const isGap = (track) => [...track.cells].some((cell, bar) => cell !== FRESH && !isLocked(track, bar));
  return !isEmptySong(tracks) && tracks.some((track) => track.is_writable && isGap(track));
}

/** What the one big button does: `generate` a song, fill the `gaps`, or weave `another` with the next seed. */
export function weaveAction(tracks) {
  if (isEmptySong(tracks)) return "generate";
  return hasGaps(tracks) ? "gaps" : "another";
}

/** The state of some bars of a track in one word or two, for people: `fresh`, `empty and stale`. */
export function stateText(track, firstBar, behindBar) {
  const found = new Set(track.cells.slice(firstBar, behindBar));
  const names = [
    [FRESH, "fresh"],
    [STALE, "stale"],
    [EMPTY, "empty"],
  ];
  return names.filter(([cell]) => found.has(cell)).map(([, name]) => name).join(" and ");
}

/** `locked`, `partly locked` or an empty text for some bars of a track. */
export function lockText(track, firstBar, behindBar) {
  const locks = track.locked.slice(firstBar, behindBar);
  if (!locks.includes("1")) return "";
  return locks.includes("0") ? "partly locked" : "locked";
}

/** What a screen reader hears of a cell: `Chorus B, bars 13-20, piano, fresh, locked`. */
export function cellLabel(section, track, firstBar, behindBar) {
  const bars = `${behindBar - firstBar > 1 ? "bars" : "bar"} ${barsText(firstBar, behindBar)}`;
  const parts = [`${section.shown_name} ${section.letter}`, bars, track.name.toLowerCase()];
  parts.push(stateText(track, firstBar, behindBar), lockText(track, firstBar, behindBar));
  return parts.filter(Boolean).join(", ");
}

/** A selection as the service takes it: bars from 1, both ends included, and the tracks' names. */
export function rectangleOf(selection, tracks) {
  return {
    first_bar: selection.firstBar + 1,
    last_bar: selection.behindBar,
    tracks: tracks.slice(selection.firstTrack, selection.behindTrack).map((track) => track.name),
  };
}
