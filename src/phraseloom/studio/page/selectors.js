/** What follows from the page's state: which revision is shown, what is being written, what may be done. */

import { isEmptySong } from "./cells.js";
import { TICKS_PER_BAR } from "./timeline.js";

/** The parts of the state that a freshly opened page begins with. */
export const INITIAL_STATE = Object.freeze({
  model: null,
  isOnline: true,
  song: null,
  pendingSteps: 0, // undos (negative) and redos made while the service did not answer
  midi: null, // {revision, url}: the current song as a file, at hand without the service
  jobs: [], // those of the song that wait or run
  takes: null, // {job, region, list, chosen, isDone}: takes to choose from; chosen 0 is the original
  comparison: null, // {other, difference, isFlipped}
  selection: null,
  sectionId: null,
  focusedTrack: 0,
  mixer: {}, // by track name: {isMuted, isSoloed, volume}
  loop: null, // {firstBar, behindBar}
  sound: "none", // none, loading, ready, unavailable
  isPlaying: false,
  isPlayWanted: false, // play was asked for before the sound was there
  distance: 1,
  barPx: 0,
  isDark: false,
  panel: "inspector",
  report: null,
  revisions: null,
  error: null, // {detail, remedy, retry}
  status: "",
});

/** The revision that is seen and heard: the chosen take, the one compared with, or the song. */
export function shownRevision({ song, takes, comparison }) {
  if (takes?.chosen) return takes.list[takes.chosen - 1];
  if (comparison?.isFlipped) return comparison.other;
  return song?.revision ?? null;
}

/** Sections to draw: those of a plan that is being woven are there before its notes. */
export function shownSections(state) {
  const revision = shownRevision(state);
  const plan = state.jobs.find((job) => job.plan)?.plan;
  if (!plan || !revision || plan.chords.length !== revision.sections.length) return revision?.sections ?? [];
  return revision.sections.map((section, index) => ({
    ...section,
    chords: section.chords.map((chord, bar) => chord ?? plan.chords[index][bar] ?? null),
  }));
}

/** The cells that jobs of the song are to write: a function of bar and track, both from 0. */
export function isTarget({ jobs }) {
  const grids = jobs.map((job) => job.cells ?? []);
  return (bar, track) => grids.some((cells) => cells[track]?.[bar] === "1");
}

/** The song as the page's stylesheet and the tests know it: offline, error, generating, empty or done. */
export function pageState(state) {
  if (!state.isOnline) return "offline";
  if (state.error) return "error";
  if (state.jobs.length) return "generating";
  return !state.song || isEmptySong(state.song.revision.tracks) ? "empty" : "done";
}

/** Why nothing can be woven now; an empty text where it can. */
export function whyNotWeave({ isOnline, model, song }) {
  if (!isOnline) return "The service does not answer.";
  if (model?.problem) return `The model cannot be loaded: ${model.problem.detail}.`;
  return song ? "" : "The song is being opened.";
}

/** The bars that are played again and again, in ticks; null for none. */
export function loopTicks({ loop }, numBars) {
  if (!loop) return null;
  const [first, behind] = [Math.min(loop.firstBar, numBars - 1), Math.min(loop.behindBar, numBars)];
  return { start: first * TICKS_PER_BAR, end: Math.max(first + 1, behind) * TICKS_PER_BAR };
}

/** How loud a track of the mixer is, 0 to 1: soloed tracks silence the others. */
export function gainOf(mixer, name) {
  const isSoloing = Object.values(mixer).some((track) => track.isSoloed);
  const { isMuted = false, isSoloed = false, volume = 1 } = mixer[name] ?? {};
  return isMuted || (isSoloing && !isSoloed) ? 0 : volume;
}
