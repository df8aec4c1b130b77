/** The section that is chosen in the form: its name, letter and length, and what may be done with it. */

import { element } from "./dom.js";
import { duplicated, relettered, removed, renamed, resized, room } from "./form.js";
import { panel } from "./panel.js";

const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ", ..."abcdefghijklmnopqrstuvwxyz"];

export function sectionPanel({ sectionId, song, model }, { editor }) {
  const { sections } = song.revision;
  const index = sections.findIndex((section) => section.id === sectionId);
  if (index < 0) return null;
  const section = sections[index];
  const change = (entriesOf) => editor.change(({ revision }) => ({ sections: entriesOf(revision.sections) }));
  const name = element("input", { type: "text", id: "section-name", value: section.name ?? "", placeholder: section.shown_name, maxlength: 40, dataset: { key: "section name" } });
  name.addEventListener("change", () => change((all) => renamed(all, index, name.value)));
  const usual = (letter) => model?.section_names[letter];
  const options = LETTERS.map((letter) => element("option", { value: letter, selected: letter === section.letter }, usual(letter) ? `${letter}: ${usual(letter)}` : letter));
  const letter = element("select", { id: "section-letter", dataset: { key: "section letter" } }, ...options);
  letter.addEventListener("change", () => change((all) => relettered(all, index, letter.value)));
  const bars = element("input", { type: "number", id: "section-bars", min: 1, max: section.num_bars + room(sections), value: section.num_bars, dataset: { key: "section bars" } });
  bars.addEventListener("change", () => bars.reportValidity() && change((all) => resized(all, index, bars.valueAsNumber)));
  const button = (key, text, action, isDisabled = false) =>
    element("button", { type: "button", disabled: isDisabled, dataset: { key: `section ${key}` }, on: { click: action } }, text);
  return panel(
    `Section ${section.letter}${section.num_bars}`,
    field("Name", name),
    field("Letter", letter),
    field("Bars", bars),
    element(
      "div",
      { class: "row wrap" },
      button("duplicate", "Duplicate", () => change((all) => duplicated(all, index)), section.num_bars > room(sections)),
      button("remove", "Remove", () => change((all) => removed(all, index)), sections.length === 1),
    ),
  );
}

function field(text, control) {
  return element("div", { class: "row" }, element("label", { for: control.id }, text), control);
}
