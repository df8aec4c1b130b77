/** The history: every revision, takes that were not kept included; each can be compared with, or gone back to. */

import { element } from "./dom.js";
import { panel } from "./panel.js";
import { timeText } from "./words.js";

export function historyPanel({ revisions, song, isOnline }, { auditions, editor }) {
  if (!revisions) return panel("History", element("p", { class: "faint" }, "Reading…"));
  const items = revisions.map((revision) => {
    const isHead = revision.id === song.head;
    return element(
      "li",
      { class: "revision", "aria-current": isHead ? "true" : null, dataset: { revision: revision.id } },
      element("span", { class: "label" }, revision.label),
      element("small", { title: revision.form }, `${timeText(revision.created)} · ${revision.num_bars} bars`),
      isHead
        ? null
        : element(
            "span",
            { class: "button-group" },
            button("Compare", `compare ${revision.id}`, !isOnline, () => auditions.compare(revision.id)),
            button("Go back", `head ${revision.id}`, !isOnline, () => editor.change(() => ({ head: revision.id }))),
          ),
    );
  });
  return panel("History", element("ol", { class: "revisions" }, ...items));
}

function button(text, key, isDisabled, action) {
  return element("button", { type: "button", class: "quiet", disabled: isDisabled, dataset: { key }, on: { click: action } }, text);
}

/** Reads the history while it is shown, again after every change of the song. */
export function startHistory(store, api) {
  store.watch(["song", "panel"], async ({ song, panel: shown }) => {
    if (!song || shown !== "history") return;
    const answer = await api.revisions(song.id).catch(() => null); // what was read before stays
    if (answer && store.state.song.id === song.id) store.set({ revisions: answer.revisions });
  });
}
