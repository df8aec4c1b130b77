/** What was asked of the song and what was got, and how near it comes to the training music. */

import { isEmptySong } from "./cells.js";
import { element } from "./dom.js";
import { panel } from "./panel.js";
import { originalityText, reportRow } from "./words.js";

export function reportPanel({ song, report, takes }) {
  if (takes || isEmptySong(song.revision.tracks)) return null;
  if (!report) return panel("Report", element("p", { class: "faint" }, "Measuring…"));
  const rows = report.rows.map((row) => {
    const { name, asked, got } = reportRow(row);
    return element("tr", { dataset: { row: row.name } }, element("th", { scope: "row" }, name), element("td", {}, asked), element("td", {}, got));
  });
  const head = element("tr", {}, element("td", {}), element("th", { scope: "col" }, "asked"), element("th", { scope: "col" }, "got"));
  return panel(
    "Report",
    element("table", { id: "report" }, element("thead", {}, head), element("tbody", {}, ...rows)),
    element("p", { class: "note", id: "originality" }, originalityText(report.originality)),
  );
}

/** Fetches the report of the song whenever it has been another one for a moment. */
export function startReports(store, api) {
  const IDLE_MS = 500;
  let timer = null;
  store.watch(["song"], ({ song }) => {
    clearTimeout(timer);
    if (song && !isEmptySong(song.revision.tracks)) timer = setTimeout(() => fetchReport(store, api, song.head), IDLE_MS);
  });
}

async function fetchReport(store, api, revision) {
  const report = await api.report(revision).catch(() => null); // the song is none the worse without it
  if (store.state.song.head === revision && report) store.set({ report });
}
