/** Asks what is to follow at the song's end: a letter and a number of bars, woven or left empty. */

import { element } from "./dom.js";
import { openFloating } from "./floating.js";
import { room } from "./form.js";

/** Opens the question; the answer goes to the weaver. */
export function askExtension(store, weaver, { letter, numBars, anchor }) {
  const { sections } = store.state.song.revision;
  const most = room(sections);
  if (!most) {
    store.set({ status: "The song is as long as a song can be." });
    return;
  }
  const letters = [...new Set([...sections.map((section) => section.letter), letter, "o"])];
  const nameOf = (one) => sections.find((section) => section.letter === one)?.shown_name ?? store.state.model?.section_names[one] ?? "new part";
  const options = letters.map((one) => element("option", { value: one, selected: one === letter }, `${one}: ${nameOf(one)}`));
  const letterField = element("select", { "aria-label": "Letter" }, ...options);
  const barsField = element("input", { type: "number", min: 1, max: most, value: Math.min(numBars, most), "aria-label": "Bars" });
  const extend = (isWoven) => {
    if (!barsField.reportValidity()) return;
    weaver.extend(letterField.value, barsField.valueAsNumber, { isWoven });
    close();
  };
  const close = openFloating(
    anchor,
    "Extend the song",
    [
      element("h2", {}, "Extend the song"),
      element("div", { class: "row" }, letterField, barsField, element("span", { class: "faint" }, "bars")),
      element(
        "div",
        { class: "row" },
        element("button", { class: "primary" }, "Weave them"),
        element("button", { type: "button", on: { click: () => extend(false) } }, "Add them empty"),
      ),
    ],
    { submit: () => extend(true) },
  );
  barsField.focus();
  barsField.select();
}
