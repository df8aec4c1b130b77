/** The library: songs to open, and a new one. */

import { byId, element } from "./dom.js";
import { attempt } from "./problems.js";
import { timeText } from "./words.js";

/** Wires the dialog; `open(song)` shows a song. */
export function startSongsDialog(store, api, open) {
  const dialog = byId("songs-dialog");
  const show = async (songOf) => {
    const song = await attempt(store, songOf);
    dialog.close();
    if (song) open(song);
  };
  byId("songs").addEventListener("click", async () => {
    const answer = await attempt(store, () => api.songs());
    if (!answer) return;
    const items = answer.songs.map((song) => {
      const facts = `${song.form} · ${new Date(song.saved).toLocaleDateString()} ${timeText(song.saved)}`;
      const button = element("button", { type: "button", on: { click: () => show(() => api.song(song.id)) } }, song.title || "Untitled", element("small", { class: "faint" }, facts));
      return element("li", {}, button);
    });
    dialog.replaceChildren(
      element("h2", { id: "songs-title" }, "Songs"),
      element("ul", { class: "song-list" }, ...items),
      element(
        "div",
        { class: "row end" },
        element("button", { type: "button", on: { click: () => dialog.close() } }, "Close"),
        element("button", { type: "button", class: "primary", on: { click: () => show(() => api.createSong()) } }, "New song"),
      ),
    );
    dialog.showModal();
  });
}
