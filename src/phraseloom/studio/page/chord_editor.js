/** Typing chords at a bar: what they will be is shown live, and what means nothing is underlined. */

import { formatBars, parseBars } from "./chord_chart.js";
import { element } from "./dom.js";
import { openFloating } from "./floating.js";
import { sentence } from "./problems.js";

/**
 * Opens the editor.
 *
 * @param {object} place
 * @param {object} place.section - of the song's revision.
 * @param {number} place.offset - the bar in the section, from 0.
 * @param {number} place.bar - the bar in the song, from 0.
 * @param {Element} place.anchor
 * @param {object} listeners
 * @param {(change: object) => void} listeners.commit - given the member of `PATCH`'s `chords`.
 * @param {() => void} listeners.closed
 */
export function editChords({ section, offset, bar, anchor }, { commit, closed }) {
  const before = section.chords[offset];
  const field = element("input", {
    type: "text",
    value: before ? formatBars([before]) : "",
    placeholder: "C Am F G",
    spellcheck: "false",
    autocomplete: "off",
    "aria-label": `Chords from bar ${bar + 1}`,
    "aria-describedby": "typed-problem",
  });
  const marks = element("div", { class: "marks", "aria-hidden": "true" });
  const shown = element("div", { class: "typed-bars", "aria-hidden": "true" });
  const problem = element("p", { id: "typed-problem", class: "typed-problem", role: "status" });
  const sameLetter = element("input", { type: "checkbox", checked: true });
  const fill = element("input", { type: "checkbox" });
  let isFillChosen = false;
  fill.addEventListener("change", () => (isFillChosen = true));

  const update = () => {
    const { bars, tokens } = parseBars(field.value);
    const bad = tokens.filter((token) => token.problem);
    marks.replaceChildren(...markedText(field.value, tokens));
    marks.scrollLeft = field.scrollLeft;
    shown.replaceChildren(...bars.map((text) => element("span", { class: text === null ? "bar is-bad" : "bar" }, text ?? "stays as it was")));
    problem.textContent = bad.length ? sentence(bad[0].problem) : "";
    field.setAttribute("aria-invalid", String(bad.length > 0));
    if (!isFillChosen) fill.checked = offset === 0 && bars.length > 1;
  };
  field.addEventListener("input", update);
  field.addEventListener("scroll", () => (marks.scrollLeft = field.scrollLeft));

  const submit = () => {
    const { bars } = parseBars(field.value);
    const given = bars.length ? bars : [""]; // an empty field frees the bar
    commit({ section: section.id, first_bar: offset + 1, bars: given, same_letter: sameLetter.checked, fill: fill.checked });
    close();
  };
  const close = openFloating(
    anchor,
    "Chords",
    [
      element("h2", {}, `${section.shown_name} ${section.letter}, from bar ${bar + 1}`),
      element("div", { class: "typed" }, marks, field),
      shown,
      problem,
      element("div", { class: "row" }, element("label", {}, sameLetter, `every section ${section.letter}`), element("label", {}, fill, "repeat until the section is full")),
      element("div", { class: "row" }, element("button", { class: "primary" }, "Set chords")),
    ],
    { submit, closed },
  );
  update();
  field.focus();
  field.select();
}

/** The text in pieces, those that mean nothing marked. */
function markedText(text, tokens) {
  const pieces = [];
  let position = 0;
  for (const token of tokens.filter((one) => one.problem)) {
    pieces.push(text.slice(position, token.start), element("span", { class: "is-bad" }, text.slice(token.start, token.end)));
    position = token.end;
  }
  return [...pieces, text.slice(position)];
}
