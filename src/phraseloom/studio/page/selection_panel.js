/** The selected cells: new takes of them, near or far, locking and clearing. */

import { rectangleOf, stateText } from "./cells.js";
import { element } from "./dom.js";
import { panel } from "./panel.js";
import { nameOf } from "./mixer.js";
import { whyNotWeave } from "./selectors.js";
import { barsText } from "./timeline.js";

const LEAST_DISTANCE = 0.05;

export function selectionPanel(state, actions) {
  const { selection, song, distance, takes } = state;
  if (!selection || takes) return null;
  const { auditions, editor, store } = actions;
  const tracks = song.revision.tracks.slice(selection.firstTrack, selection.behindTrack);
  const states = tracks.map((track) => `${nameOf(track)}: ${stateText(track, selection.firstBar, selection.behindBar) || "nothing"}`);
  const lock = lockChange(state);
  const cells = () => rectangleOf(selection, song.revision.tracks);
  const reason = whyNotWeave(state);
  const nearFar = element("input", { type: "range", id: "distance", min: LEAST_DISTANCE, max: 1, step: 0.05, value: distance, "aria-label": "How far new takes may go, from near to far", dataset: { key: "distance" } });
  nearFar.addEventListener("input", () => store.set({ distance: nearFar.valueAsNumber }));
  return panel(
    `Bars ${barsText(selection.firstBar, selection.behindBar)}`,
    element("p", { class: "faint" }, states.join(" · ")),
    element("div", { class: "near-far" }, "near", nearFar, "far"),
    element(
      "div",
      { class: "row wrap" },
      button("takes", "New takes", () => auditions.draw(), { class: "primary", disabled: Boolean(reason), title: reason || null, "aria-keyshortcuts": "R" }),
      button("lock", lock.locked ? "Lock" : "Unlock", () => editor.change(() => ({ locks: [lock] })), { "aria-keyshortcuts": "L" }),
      button("clear", "Clear", () => editor.change(() => ({ clear: [cells()] }))),
    ),
    reason ? element("p", { class: "note" }, reason) : null,
  );
}

/** What locks the selection, or frees it where all of it is locked. */
export function lockChange({ selection, song }) {
  const { tracks } = song.revision;
  const isAllLocked = selection.cells().every(({ bar, track }) => tracks[track].locked[bar] === "1");
  return { ...rectangleOf(selection, tracks), locked: !isAllLocked };
}

function button(key, text, action, attributes = {}) {
  return element("button", { type: "button", dataset: { key: `selection ${key}` }, on: { click: action }, ...attributes }, text);
}
