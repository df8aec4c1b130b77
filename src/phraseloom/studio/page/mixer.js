/** The heads of the tracks: which one has the focus, mute, solo, lock and volume. */

import { lockText } from "./cells.js";
import { byId, element, icon, rebuild } from "./dom.js";
import { css, readable, trackColour } from "./palette.js";

/** What lies behind the name of the focused track, `--accent-wash` of the stylesheet. */
const WASH = [232, 237, 252];
const WASH_ON_DARK = [38, 46, 77];

export class Mixer {
  constructor(store, editor) {
    Object.assign(this, { store, editor });
    store.watch(["song", "mixer", "focusedTrack", "isDark"], () => this.#draw());
  }

  toggleMute(index) {
    this.#toggle(index, "isMuted");
  }

  toggleSolo(index) {
    this.#toggle(index, "isSoloed");
  }

  /** Locks all bars of some tracks, or frees them where all are locked. */
  toggleLock(index) {
    const track = this.store.state.song.revision.tracks[index];
    const locked = lockText(track, 0, track.cells.length) !== "locked";
    return this.editor.change(() => ({ locks: [{ tracks: [track.name], locked }] }));
  }

  #toggle(index, name) {
    this.#change(this.store.state.song.revision.tracks[index], (strip) => ({ [name]: !strip[name] }));
  }

  #change({ name }, changeOf) {
    const { mixer } = this.store.state;
    const strip = mixer[name] ?? {};
    this.store.set({ mixer: { ...mixer, [name]: { ...strip, ...changeOf(strip) } } });
  }

  #draw() {
    const { song } = this.store.state;
    if (!song) return;
    const { tracks } = song.revision;
    byId("headers").style.setProperty("--tracks", tracks.length);
    rebuild(byId("headers"), tracks.map((track, index) => this.#header(track, index)));
  }

  #header(track, index) {
    const { mixer, focusedTrack, isDark } = this.store.state;
    const strip = mixer[track.name] ?? {};
    const lock = lockText(track, 0, track.cells.length);
    const shownName = nameOf(track);
    const toggle = (label, isOn, key, action, ...content) =>
      element("button", { type: "button", class: "toggle", "aria-label": `${label} ${shownName}`, "aria-pressed": isOn, title: label, dataset: { key: `${key} ${index}` }, on: { click: action } }, ...content);
    const volume = element("input", { type: "range", min: 0, max: 1, step: 0.05, value: strip.volume ?? 1, "aria-label": `Volume of ${shownName}`, dataset: { key: `volume ${index}` } });
    volume.addEventListener("input", () => this.#change(track, () => ({ volume: volume.valueAsNumber })));
    const name = element(
      "button",
      { type: "button", class: "track-name", "aria-pressed": index === focusedTrack, title: `${shownName}: ${track.instrument}`, dataset: { key: `name ${index}` }, on: { click: () => this.store.set({ focusedTrack: index }) } },
      shownName,
    );
    const header = element(
      "div",
      { class: "header", role: "group", "aria-label": shownName },
      name,
      element(
        "span",
        { class: "button-group" },
        toggle("Mute", Boolean(strip.isMuted), "mute", () => this.toggleMute(index), "M"),
        toggle("Solo", Boolean(strip.isSoloed), "solo", () => this.toggleSolo(index), "S"),
        toggle("Lock", lock === "locked", "lock", () => this.toggleLock(index), icon(lock ? "locked" : "unlocked")),
      ),
      volume,
    );
    header.style.setProperty("--track", css(readable(trackColour(index, { dark: isDark }), isDark ? WASH_ON_DARK : WASH)));
    return header;
  }
}

/** A track's name as people write it: `MELODY` is `Melody`. */
export function nameOf({ name }) {
  return name === name.toUpperCase() ? name[0] + name.slice(1).toLowerCase() : name;
}
