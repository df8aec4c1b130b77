/** The chords over the time axis, one button a bar; Enter or a click opens the editor at that bar. */

import { byId, element, rebuild } from "./dom.js";
import { startBars } from "./form.js";
import { timelineOf } from "./layout.js";
import { shownRevision, shownSections } from "./selectors.js";

const FREE = "·";
const FONT_PX = 12.5;
const SMALLEST_FONT_PX = 9;
const PADDING_PX = 4;

const measuring = document.createElement("canvas").getContext("2d");

export class ChordRow {
  #row = byId("chords");
  #focusedBar = 0;

  /** @param {(place: {sectionIndex: number, offset: number, bar: number, anchor: Element}) => void} edit - opens the editor. */
  constructor(store, edit) {
    Object.assign(this, { store, edit });
    store.watch(["song", "takes", "comparison", "jobs", "barPx"], () => this.#draw());
    this.#row.addEventListener("keydown", (event) => this.#moveFocus(event));
  }

  focus(bar) {
    this.#focusedBar = bar;
    this.#draw();
    this.#row.querySelector(`[data-key="${bar}"]`)?.focus();
  }

  #draw() {
    const revision = shownRevision(this.store.state);
    if (!revision) return;
    const timeline = timelineOf(revision, this.store.state.barPx);
    this.#focusedBar = Math.min(this.#focusedBar, revision.num_bars - 1);
    const sections = shownSections(this.store.state);
    const starts = startBars(sections);
    const buttons = sections.flatMap((section, index) =>
      section.chords.map((chord, offset) => this.#button(section, index, offset, starts[index] + offset, timeline)),
    );
    rebuild(this.#row, buttons);
  }

  #button(section, sectionIndex, offset, bar, timeline) {
    const chord = section.chords[offset];
    const before = offset ? section.chords[offset - 1] : null;
    const kind = chord === null ? "is-free" : chord === before ? "is-same" : "";
    const shown = chord === null ? FREE : chord.replaceAll(" .", "");
    const button = element(
      "button",
      {
        type: "button",
        class: `chord ${kind}`,
        dataset: { key: bar },
        tabindex: bar === this.#focusedBar ? 0 : -1,
        title: chord ?? "free",
        "aria-label": `Bar ${bar + 1}, ${section.shown_name} ${section.letter}: ${chord ?? "free"}`,
        on: {
          click: (event) => this.edit({ sectionIndex, offset, bar, anchor: event.currentTarget }),
          focus: () => this.#reached(bar),
        },
      },
      shown,
    );
    button.style.left = `${timeline.xOfBar(bar)}px`;
    button.style.width = `${timeline.barPx}px`;
    button.style.fontSize = `${fittingFontPx(shown, timeline.barPx - PADDING_PX)}px`;
    return button;
  }

  #reached(bar) {
    this.#row.querySelector('[tabindex="0"]').tabIndex = -1;
    this.#row.querySelector(`[data-key="${bar}"]`).tabIndex = 0;
    this.#focusedBar = bar;
  }

  #moveFocus(event) {
    const last = this.#row.childElementCount - 1;
    const to = { ArrowLeft: this.#focusedBar - 1, ArrowRight: this.#focusedBar + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#row.children[Math.max(0, Math.min(to, last))].focus();
  }
}

/** A chord cut short would be another chord, so that a long one is written smaller. */
function fittingFontPx(text, widthPx) {
  measuring.font = `${FONT_PX}px ${getComputedStyle(document.body).fontFamily}`;
  const neededPx = measuring.measureText(text).width;
  return Math.max(SMALLEST_FONT_PX, FONT_PX * Math.min(1, widthPx / neededPx));
}
