/** What holds for the song as a whole: how much repeats, who plays where and how much, and the sound of the focused track. */

import { counts } from "./cells.js";
import { element } from "./dom.js";
import { panel } from "./panel.js";
import { nameOf } from "./mixer.js";
import { showFieldProblem } from "./problems.js";

export function songPanel({ song, model, focusedTrack, takes, sectionId }, { editor }) {
  if (takes || sectionId !== null) return null;
  const { revision } = song;
  const found = counts(revision.tracks);
  const repeat = element("input", { type: "range", id: "repeat", min: 0, max: 1, step: 0.05, value: revision.repeat, dataset: { key: "repeat" } });
  repeat.addEventListener("change", () => editor.change(() => ({ repeat: repeat.valueAsNumber })));
  const cast = planField("cast", revision, editor, "free; or A: melody piano; B: all");
  const density = planField("density", revision, editor, "free; or A: melody 5, piano 9; B: all 12");
  const index = Math.min(focusedTrack, revision.tracks.length - 1);
  const track = revision.tracks[index];
  const names = track.is_drum ? ["Drums"] : (model?.instruments ?? [track.instrument]);
  const options = names.map((name, program) => element("option", { value: program, selected: name === track.instrument }, name));
  const program = element("select", { id: "program", disabled: track.is_drum || names.length === 1, dataset: { key: "program" } }, ...options);
  program.addEventListener("change", () => editor.change(() => ({ tracks: [{ track: index + 1, program: Number(program.value) }] })));
  return panel(
    "Song",
    row("What returns repeats", repeat),
    element("p", { class: "note" }, "Left: freely varied. Right: note for note."),
    element("div", { class: "row wrap above field" }, element("label", { for: "cast" }, "Who plays where"), cast),
    element("div", { class: "row wrap above field" }, element("label", { for: "density" }, "Notes a bar"), density),
    element("div", { class: "row wrap above" }, element("label", { for: "program" }, `Instrument of ${nameOf(track)}`), program),
    element("p", { class: "note", id: "counts" }, `${found.fresh} cells fresh, ${found.stale} stale, ${found.empty} empty; ${found.locked} locked.`),
  );
}

/** A field for something that the plan says in words, or leaves open. */
function planField(name, revision, editor, placeholder) {
  const field = element("input", { type: "text", id: name, value: revision[name] ?? "", placeholder, spellcheck: "false", dataset: { key: name } });
  field.addEventListener("change", () => {
    showFieldProblem(field, null);
    editor.change(() => ({ [name]: field.value.trim() || null }), (problem) => showFieldProblem(field, problem));
  });
  return field;
}

function row(text, control) {
  return element("div", { class: "row" }, element("label", { for: control.id }, text), control);
}
