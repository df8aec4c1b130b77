/** The bar at the top: title, undo and redo, when it was saved, sharing and exports. */

import { isEmptySong } from "./cells.js";
import { byId, element, setAttribute } from "./dom.js";
import { fragmentOf } from "./share.js";
import { timeText } from "./words.js";

const EXPORTS = {
  mid: "MIDI",
  zip: "Stems, ZIP",
  wav: "WAV",
  ogg: "OGG",
  musicxml: "MusicXML",
  png: "Picture, PNG",
};

/** Wires the bar. */
export function startHeader(store, { editor }) {
  const title = byId("title");
  title.addEventListener("change", () => {
    const typed = title.value.trim(); // by the time it is sent, the field may show another one
    editor.change(() => ({ title: typed }));
  });
  byId("undo").addEventListener("click", () => editor.undo());
  byId("redo").addEventListener("click", () => editor.redo());
  byId("history").addEventListener("click", () => store.set({ panel: store.state.panel === "history" ? "inspector" : "history" }));
  store.watch(["panel"], ({ panel }) => setAttribute(byId("history"), "aria-pressed", panel === "history"));
  startPopover(byId("share"), byId("share-panel"), () => sharePanel(store.state));
  startPopover(byId("export"), byId("export-panel"), () => exportPanel(store.state));
  store.watch(["song", "isOnline"], ({ song, isOnline }) => {
    title.disabled = !isOnline;
    if (!song) return;
    if (document.activeElement !== title) title.value = song.title;
    byId("undo").disabled = !song.undo.length;
    byId("redo").disabled = !song.redo.length;
    byId("saved").textContent = isOnline ? `Saved ${timeText(song.saved)}` : "Not saved";
    document.title = `${song.title || "Untitled"} – phraseloom`;
  });
}

/** A button that shows and hides a panel under it. */
function startPopover(button, panel, contents) {
  const close = () => {
    panel.hidden = true;
    setAttribute(button, "aria-expanded", false);
  };
  button.addEventListener("click", () => {
    if (!panel.hidden) {
      close();
      return;
    }
    panel.replaceChildren(...contents());
    panel.hidden = false;
    setAttribute(button, "aria-expanded", true);
    panel.querySelector("a, input")?.focus();
  });
  panel.addEventListener("click", (event) => event.target.closest("a") && close());
  document.addEventListener("pointerdown", (event) => !button.parentElement.contains(event.target) && close());
  button.parentElement.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    event.stopPropagation();
    close();
    button.focus();
  });
}

function exportPanel({ song, model, isOnline, midi }) {
  const isEmpty = isEmptySong(song.revision.tracks);
  const kinds = Object.keys(EXPORTS).filter((kind) => model?.exports.includes(kind));
  const note = isEmpty ? "The song is still empty." : isOnline ? null : "Without the service only the MIDI at hand can be saved.";
  const links = kinds.map((kind) => {
    const atHand = kind === "mid" && midi?.revision === song.head ? midi.url : null;
    const address = isOnline ? `/api/revisions/${song.head}.${kind}` : atHand;
    const name = `${song.title || "song"}.${kind}`;
    return element("a", { href: address, download: name, "aria-disabled": address ? null : "true", dataset: { kind } }, EXPORTS[kind], element("small", { class: "faint" }, `.${kind}`));
  });
  return note ? [element("p", {}, note), ...links] : links;
}

/** A link that holds plan, seed and weights; only this page reads it. */
function sharePanel({ song, model }) {
  const { revision } = song;
  const sections = revision.sections.map(({ letter, num_bars, name, chords }) => ({ letter, num_bars, name, chords }));
  const plan = { title: song.title, sections, key: revision.key, tempo_bpm: revision.tempo_bpm, repeat: revision.repeat, cast: revision.cast, density: revision.density };
  const link = new URL(fragmentOf({ plan, seed: revision.made_by?.seed ?? revision.seed, weights: model?.weights ?? null }), location.href).href;
  const field = element("input", { type: "text", id: "share-link", value: link, readonly: true, "aria-label": "Link to this plan and seed" });
  const copy = element("button", { type: "button", class: "primary" }, "Copy");
  copy.addEventListener("click", async () => {
    field.select();
    await navigator.clipboard.writeText(link);
    copy.textContent = "Copied";
  });
  field.addEventListener("focus", () => field.select());
  return [element("p", {}, "Whoever opens this link with the same weights can weave the same song. It holds the plan and the seed, not the notes."), field, copy];
}
