/**
 * The form of a song and what may be done to it.
 *
 * Sections come from the service: `{id, letter, name, shown_name, first_bar, num_bars, chords}`. A change is a list of
 * entries for `PATCH /api/songs/{id}`: `{id, ...}` brings a section along with its music, `{copy_of}` copies one,
 * `{letter, num_bars}` is new and empty. Nothing here changes its arguments.
 */

export const MAX_BARS = 128;

const SECTION = /([A-Za-z])\s*([0-9]{1,4})/y;
const SEPARATOR = /[\s,-]*/y;

/** `i4 A8 B8 o4`. */
export function formatForm(sections) {
  return sections.map((section) => `${section.letter}${section.num_bars}`).join(" ");
}

/**
 * Reads `i4 A8 B8`.
 *
 * @returns {{letter: string, num_bars: number}[]} empty for a text that is no form of 1 to 128 bars.
 */
export function parseForm(text) {
  const sections = [];
  let position = 0;
  const take = (pattern) => {
    pattern.lastIndex = position;
    const match = pattern.exec(text);
    if (match) position = pattern.lastIndex;
    return match;
  };
  take(SEPARATOR);
  while (position < text.length) {
    const match = take(SECTION);
    if (!match) return [];
    sections.push({ letter: match[1], num_bars: Number(match[2]) });
    take(SEPARATOR);
  }
  const isSong = sections.every((section) => section.num_bars >= 1) && numBars(sections) <= MAX_BARS;
  return isSong ? sections : [];
}

/** Bars of all sections together. */
export function numBars(sections) {
  return sections.reduce((sum, section) => sum + section.num_bars, 0);
}

/** Bars that a song of the longest length still has room for. */
export function room(sections) {
  return MAX_BARS - numBars(sections);
}

/** The first bar of every section, from 0. */
export function startBars(sections) {
  let start = 0;
  return sections.map((section) => (start += section.num_bars) - section.num_bars);
}

/** The index of the section that holds a bar (from 0); -1 where none does. */
export function sectionAt(sections, bar) {
  return startBars(sections).findIndex((start, index) => start <= bar && bar < start + sections[index].num_bars);
}

/** The entries of a form as it is. */
export function kept(sections) {
  return sections.map(({ id }) => ({ id }));
}

/** A length that a section can have: at least one bar, at most what the song has room for. */
export function allowedLength(sections, index, wanted) {
  return Math.max(1, Math.min(Math.round(wanted), sections[index].num_bars + room(sections)));
}

/** A section of another length; new bars come at its end. */
export function resized(sections, index, wanted) {
  return changed(sections, index, { num_bars: allowedLength(sections, index, wanted) });
}

/** A section moved so that it stands at place `to` of the others. */
export function moved(sections, from, to) {
  const entries = kept(sections);
  const [entry] = entries.splice(from, 1);
  entries.splice(Math.max(0, Math.min(to, entries.length)), 0, entry);
  return entries;
}

/** A section with a copy of itself behind it; as it is where there is no room. */
export function duplicated(sections, index) {
  const entries = kept(sections);
  if (sections[index].num_bars <= room(sections)) entries.splice(index + 1, 0, { copy_of: sections[index].id });
  return entries;
}

/** The form without a section; the last one stays. */
export function removed(sections, index) {
  return sections.length === 1 ? kept(sections) : kept(sections).toSpliced(index, 1);
}

/** The form with new, empty bars at its end; as it is where there is no room. */
export function appended(sections, letter, numNewBars) {
  return numNewBars > room(sections) ? kept(sections) : [...kept(sections), { letter, num_bars: numNewBars }];
}

/** Another name for every section of this one's letter; an empty name is the letter's usual one. */
export function renamed(sections, index, name) {
  const { letter } = sections[index];
  const given = name.trim() || null;
  return sections.map(({ id, letter: own }) => (own === letter ? { id, name: given } : { id }));
}

/** Another letter for one section, and the name that this letter has. */
export function relettered(sections, index, letter) {
  const name = sections.find((section) => section.letter === letter)?.name ?? null;
  return changed(sections, index, { letter, name });
}

/** A form typed as text in place of the old: its sections are the old ones of their letters, in order, while there are any. */
export function retyped(sections, typed) {
  const waiting = [...sections];
  return typed.map(({ letter, num_bars }) => {
    const place = waiting.findIndex((section) => section.letter === letter);
    return place < 0 ? { letter, num_bars } : { id: waiting.splice(place, 1)[0].id, num_bars };
  });
}

/** What the sections would be after a change: letters and lengths, for drawing while something is dragged. */
export function preview(sections, entries) {
  const known = new Map(sections.map((section) => [section.id, section]));
  return entries.map((entry) => ({ ...known.get(entry.id ?? entry.copy_of), ...entry }));
}

/** The first capital that the form does not use. */
export function freeLetter(sections) {
  const taken = new Set(sections.map((section) => section.letter));
  return [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"].find((letter) => !taken.has(letter)) ?? "A";
}

function changed(sections, index, change) {
  return kept(sections).with(index, { id: sections[index].id, ...change });
}
