/** The form as chips over the time axis: dragged to another place, by an edge to another length, renamed in place. */

import { byId, element, icon, onDrag, rebuild } from "./dom.js";
import { allowedLength, freeLetter, moved, preview, renamed, resized, room, startBars } from "./form.js";
import { timelineOf } from "./layout.js";
import { css, inkOn, sectionColours } from "./palette.js";
import { Selection } from "./selection.js";
import { shownRevision, shownSections } from "./selectors.js";
import { barsText } from "./timeline.js";

const NARROW_PX = 74;
const NUDGING_MS = 400;
const GAP_PX = 2;

export class FormStrip {
  #strip = byId("form");
  #isRenaming = false;
  #isDrawing = false;
  #nudged = null; // {id, by, timer}: the section whose length keys are still changing, by so many bars

  /**
   * @param {(place: {letter: string, numBars: number, anchor: Element}) => void} askExtension - asks what is to follow
   *   at the song's end.
   */
  constructor(store, editor, askExtension) {
    Object.assign(this, { store, editor, askExtension });
    store.watch(["song", "takes", "comparison", "barPx", "sectionId", "isDark"], () => this.#draw());
    this.#strip.addEventListener("keydown", (event) => this.#moveFocus(event));
    this.#strip.addEventListener("focusout", () => this.#nudged && !this.#isDrawing && this.#endNudging());
  }

  /** The section whose chip has the focus; undefined for none. */
  get focusedIndex() {
    const id = Number(document.activeElement?.closest(".chip")?.dataset.key);
    const index = this.#sections.findIndex((section) => section.id === id);
    return index < 0 ? undefined : index;
  }

  /** Puts a text field in the place of a chip's name. */
  rename(index) {
    const section = this.#sections[index];
    const chip = this.#chips[index];
    const field = element("input", { type: "text", class: "rename", value: section.name ?? section.shown_name, "aria-label": `Name of every section ${section.letter}`, maxlength: 40 });
    field.style.left = chip.style.left;
    const close = (isDone) => {
      if (!this.#isRenaming) return;
      this.#isRenaming = false;
      field.remove();
      chip.focus();
      const isUsual = !section.name && field.value.trim() === section.shown_name;
      if (isDone && !isUsual) this.editor.change(({ revision }) => ({ sections: renamed(revision.sections, index, field.value) }));
    };
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "Escape") {
        event.stopPropagation();
        event.preventDefault();
        close(event.key === "Enter");
      }
    });
    field.addEventListener("blur", () => close(true));
    this.#isRenaming = true;
    this.#strip.append(field);
    field.select();
    field.focus();
  }

  /** Another length for the section that has the focus; keys pressed in a row are one change, as a drag is. */
  nudge(numBars) {
    const index = this.focusedIndex;
    const { id, num_bars: from } = this.#sections[index];
    if (this.#nudged && this.#nudged.id !== id) this.#endNudging();
    clearTimeout(this.#nudged?.timer);
    const wanted = allowedLength(this.#sections, index, from + (this.#nudged?.by ?? 0) + numBars);
    this.#nudged = { id, by: wanted - from, timer: setTimeout(() => this.#endNudging(), NUDGING_MS) };
    this.#previewNudged();
  }

  /** Adds to the length that the changes before this one leave, which may not be the one shown yet. */
  #endNudging() {
    const { id, by, timer } = this.#nudged;
    clearTimeout(timer);
    this.#nudged = null;
    this.editor.change(({ revision: { sections } }) => {
      const index = sections.findIndex((section) => section.id === id);
      return index < 0 ? {} : { sections: resized(sections, index, sections[index].num_bars + by) };
    });
  }

  #previewNudged() {
    const { id, by } = this.#nudged;
    const index = this.#sections.findIndex((section) => section.id === id);
    if (index < 0) return;
    this.#preview(resized(this.#sections, index, this.#sections[index].num_bars + by), timelineOf(shownRevision(this.store.state), this.store.state.barPx));
  }

  get #sections() {
    return shownRevision(this.store.state)?.sections ?? [];
  }

  get #chips() {
    return [...this.#strip.querySelectorAll(".chip")];
  }

  #draw() {
    const revision = shownRevision(this.store.state);
    if (!revision || this.#isRenaming) return;
    const sections = shownSections(this.store.state);
    const timeline = timelineOf(revision, this.store.state.barPx);
    const colours = sectionColours(sections);
    const starts = startBars(sections);
    const chips = sections.map((section, index) => this.#chip(section, index, starts[index], timeline, colours));
    this.#isDrawing = true; // the chip that has the focus loses it and has it again
    rebuild(this.#strip, [...chips, this.#songEnd(revision, timeline)]);
    this.#isDrawing = false;
    if (this.#nudged) this.#previewNudged();
  }

  #chip(section, index, start, timeline, colours) {
    const { sectionId, song } = this.store.state;
    const isLocked = song.revision.tracks.every((track) => !track.locked.slice(start, start + section.num_bars).includes("0"));
    const widthPx = section.num_bars * timeline.barPx - GAP_PX;
    const isNarrow = widthPx < NARROW_PX;
    const bars = barsText(start, start + section.num_bars);
    const chip = element(
      "button",
      {
        type: "button",
        class: "chip",
        dataset: { key: section.id },
        tabindex: section.id === (sectionId ?? song.revision.sections[0].id) ? 0 : -1,
        title: `${section.shown_name} ${section.letter}, bars ${bars}`,
        "aria-label": `${section.shown_name} ${section.letter}${section.num_bars}, bars ${bars}${isLocked ? ", locked" : ""}`,
        "aria-pressed": section.id === sectionId,
        "aria-keyshortcuts": "F2 Control+D Alt+ArrowLeft Alt+ArrowRight Shift+ArrowLeft Shift+ArrowRight Delete",
        on: { focus: () => this.#select(section, start), dblclick: () => this.rename(index) },
      },
      isLocked ? icon("locked") : null,
      isNarrow ? null : element("span", { class: "name" }, section.shown_name),
      element("span", { class: "letter" }, section.letter),
      element("span", { class: "bars" }, String(section.num_bars)),
    );
    chip.style.setProperty("--section", css(colours[section.letter]));
    chip.style.setProperty("--section-ink", css(inkOn(colours[section.letter])));
    place(chip, timeline.xOfBar(start), widthPx);
    const edge = element("span", { class: "edge", "aria-hidden": "true" });
    chip.append(edge);
    this.#makeResizable(edge, chip, index, start, timeline);
    this.#makeMovable(chip, index, timeline);
    return chip;
  }

  #select(section, start) {
    const { tracks } = this.store.state.song.revision;
    const selection = Selection.of(start, start + section.num_bars, 0, tracks.length);
    this.store.set({ sectionId: section.id, selection });
    for (const chip of this.#chips) chip.tabIndex = chip.dataset.key === String(section.id) ? 0 : -1;
  }

  #moveFocus(event) {
    if (event.altKey || event.shiftKey || event.ctrlKey || event.metaKey || this.focusedIndex === undefined) return;
    const last = this.#chips.length - 1;
    const to = { ArrowLeft: this.focusedIndex - 1, ArrowRight: this.focusedIndex + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#chips[Math.max(0, Math.min(to, last))].focus();
  }

  #makeResizable(edge, chip, index, start, timeline) {
    const length = (event) => allowedLength(this.#sections, index, timeline.barsFrom(start, this.#xOf(event)));
    onDrag(edge, {
      start: (event) => event.stopPropagation(),
      move: (event) => this.#preview(resized(this.#sections, index, length(event)), timeline),
      end: (event) => {
        const wanted = length(event);
        if (wanted === this.#sections[index].num_bars) this.#draw();
        else this.editor.change(({ revision }) => ({ sections: resized(revision.sections, index, wanted) }));
      },
      cancel: () => this.#draw(),
      click: () => chip.focus(),
    });
  }

  #makeMovable(chip, index, timeline) {
    const mark = element("span", { class: "drop-mark" });
    const gapAt = (event) => {
      const x = this.#xOf(event);
      const starts = startBars(this.#sections);
      const middles = this.#sections.map((section, place) => timeline.xOfBar(starts[place] + section.num_bars / 2));
      return middles.filter((middle) => middle < x).length;
    };
    onDrag(chip, {
      move: (event) => {
        const gap = gapAt(event);
        chip.classList.add("is-dragged");
        mark.style.left = `${timeline.xOfBar(startBars(this.#sections)[gap] ?? timeline.numBars)}px`;
        this.#strip.append(mark);
      },
      end: (event) => {
        mark.remove();
        chip.classList.remove("is-dragged");
        const gap = gapAt(event);
        const to = gap > index ? gap - 1 : gap; // the chip leaves its own place first
        if (to !== index) this.editor.change(({ revision }) => ({ sections: moved(revision.sections, index, to) }));
      },
      cancel: () => this.#draw(),
    });
  }

  #preview(entries, timeline) {
    const sections = preview(this.#sections, entries);
    const starts = startBars(sections);
    this.#chips.forEach((chip, index) => {
      place(chip, timeline.xOfBar(starts[index]), sections[index].num_bars * timeline.barPx - GAP_PX);
      chip.querySelector(".bars").textContent = sections[index].num_bars;
    });
  }

  /** The button behind the last section: clicked it asks what is to follow, dragged it says how long that is. */
  #songEnd(revision, timeline) {
    const letter = freeLetter(revision.sections);
    const button = element("button", { type: "button", class: "song-end", dataset: { key: "end" }, "aria-label": "Extend the song", title: "Click or drag to extend the song" }, icon("plus"));
    const ghost = element("span", { class: "song-end-ghost" });
    const length = (event) => Math.max(0, Math.min(timeline.barsFrom(timeline.numBars, this.#xOf(event)), room(revision.sections)));
    const ask = (numBars) => this.askExtension({ letter, numBars, anchor: button });
    button.addEventListener("click", (event) => event.detail === 0 && ask(8)); // by keyboard; onDrag hears the pointer
    onDrag(button, {
      move: (event) => {
        const numBars = length(event);
        ghost.textContent = `+${numBars}`;
        ghost.style.width = `${numBars * timeline.barPx}px`;
        button.before(ghost);
      },
      end: (event) => {
        ghost.remove();
        if (length(event)) ask(length(event));
      },
      click: () => ask(8),
      cancel: () => ghost.remove(),
    });
    return button;
  }

  #xOf(event) {
    return event.clientX - this.#strip.getBoundingClientRect().left;
  }
}

function place(node, leftPx, widthPx) {
  node.style.left = `${leftPx}px`;
  node.style.width = `${widthPx}px`;
}
