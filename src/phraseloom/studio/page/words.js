/** What the page says: sentences for the status line, the report and the inspector. */

import { isEmptySong } from "./cells.js";
import { barsText } from "./timeline.js";

const REPORT_NAMES = {
  bars: "Bars",
  form: "Form",
  key: "Key",
  tempo_bpm: "Tempo, bpm",
  chords: "Beats that fit their chord",
  written_cells: "Cells with notes",
  form_similarity: "Likeness of bars that return",
  other_similarity: "Likeness of other bars",
};
const SHARES = new Set(["chords", "form_similarity", "other_similarity"]);

/** `Weaving 3 takes of bars 5-12, 40 %`. */
export function progressText({ state, operation, count, cells, share, doing, queue_place: place }) {
  if (state === "queued") return place > 1 ? `Waiting; ${place - 1} before this one` : "Waiting to begin";
  const what = `${count > 1 ? `${count} takes of ` : ""}${targetText(operation, cells)}`;
  const verb = doing === "loading" ? "Loading the model for" : "Weaving";
  return `${verb} ${what}, ${Math.round(100 * (share ?? 0))} %`;
}

/** What can be done next, where nothing else is to be said. */
export function restingText({ song, error, isOnline, takes, comparison }) {
  if (!song || error || !isOnline || takes || comparison) return "";
  if (isEmptySong(song.revision.tracks)) return "Ready. Weave a song, or press Ctrl+Enter.";
  return "Ready. Drag across cells and press R for new takes of them.";
}

/** What a job writes: `the song`, `new bars`, or `bars 5-12`. */
export function targetText(operation, cells) {
  if (operation === "extend") return "new bars";
  const bars = writtenBars(cells ?? []);
  if (operation === "generate" || !bars) return "the song";
  return `${bars.behind - bars.first > 1 ? "bars" : "bar"} ${barsText(bars.first, bars.behind)}`;
}

/** The first bar and the one behind the last that a job writes, from 0; null for none. */
export function writtenBars(cells) {
  const firsts = cells.map((row) => row.indexOf("1")).filter((bar) => bar >= 0);
  if (!firsts.length) return null;
  return { first: Math.min(...firsts), behind: Math.max(...cells.map((row) => row.lastIndexOf("1"))) + 1 };
}

/** `17 added, 12 removed`. */
export function differenceText({ added, removed }) {
  return added || removed ? `${added} added, ${removed} removed` : "no note differs";
}

/** A row of the report as the page shows it: `{name, asked, got}`, all texts. */
export function reportRow({ name, asked, got }) {
  const shown = (value) => {
    if (value === null || value === undefined) return "–";
    if (SHARES.has(name)) return `${Math.round(100 * value)} %`;
    return String(value);
  };
  return { name: REPORT_NAMES[name] ?? name.replaceAll("_", " "), asked: shown(asked), got: shown(got) };
}

/** How near the song comes to the music that the model learned from; never a verdict. */
export function originalityText(originality) {
  const what = "Longest match to the training music";
  if (!originality) return `${what}: not measured; these weights come without an index of it.`;
  const { longest_match_notes: notes, bars, usual_median_notes: median, usual_95th_percentile_notes: high } = originality;
  const found = notes ? `${notes} notes of the melody, ${bars.includes("-") ? "bars" : "bar"} ${bars}` : "none";
  const usual = median === null ? "" : ` Of songs by people that the model has not learned from, half have up to ${median} and 95 of 100 up to ${high}.`;
  return `${what}: ${found}.${usual}`;
}

/** A time of day as the reader's clock shows it: `14:02`. */
export function timeText(isoTime) {
  return new Date(isoTime).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
