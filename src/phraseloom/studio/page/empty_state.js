/** What a song without music offers: weaving, three example forms, and a place to drop a MIDI file. */

import { isEmptySong } from "./cells.js";
import { byId, element } from "./dom.js";
import { parseForm, retyped } from "./form.js";

const EXAMPLES = [
  ["Short sketch", "A8 B8"],
  ["Pop song", "i4 A8 B8 A8 B8 o4"],
  ["Ballad with a bridge", "i4 A8 A8 B8 A8 C8 B8 o4"],
];

/** Shows and hides it. */
export function startEmptyState(store, { editor, openFile }) {
  const box = byId("empty");
  const buttons = EXAMPLES.map(([name, form]) => {
    const take = () => editor.change(({ revision }) => ({ sections: retyped(revision.sections, parseForm(form)) }));
    return element("button", { type: "button", on: { click: take } }, name, element("small", {}, form));
  });
  const open = element("button", { type: "button", on: { click: openFile } }, "Choose a MIDI file");
  box.replaceChildren(
    element("h2", {}, "Weave a song, or sketch one first"),
    element("p", {}, "The plan above is ready to go. Drag sections, type chords, or start from a form:"),
    element("div", { class: "examples" }, ...buttons),
    element("div", { class: "melody" }, "Have a melody? ", open, " or drop it anywhere on the page."),
  );
  store.watch(["song", "jobs"], ({ song, jobs }) => {
    box.hidden = !song || jobs.length > 0 || !isEmptySong(song.revision.tracks);
  });
}
