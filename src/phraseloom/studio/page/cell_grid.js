/**
 * The cells for keyboard, pointer and screen reader: a grid of one cell a section and track over the picture of the
 * cells. Arrows move by section and track, with Ctrl by single bars, with Shift they stretch the selection.
 */

import { cellLabel } from "./cells.js";
import { byId, element, onDrag, rebuild } from "./dom.js";
import { sectionAt, startBars } from "./form.js";
import { LANE_PX, timelineOf } from "./layout.js";
import { nameOf } from "./mixer.js";
import { Selection } from "./selection.js";
import { shownRevision } from "./selectors.js";
import { barsText } from "./timeline.js";

export class CellGrid {
  #grid = byId("grid");

  constructor(store) {
    this.store = store;
    store.watch(["song", "takes", "comparison", "selection", "sectionId", "barPx"], () => this.#draw());
    this.#grid.addEventListener("keydown", (event) => this.#onKey(event));
    this.#grid.addEventListener("focusin", (event) => this.#onFocus(event));
    onDrag(this.#grid, {
      move: (event, down) => this.#select(new Selection(this.#cellAt(down), this.#cellAt(event))),
      end: () => this.focus(),
      click: (event) => {
        const { selection } = this.store.state;
        const cell = this.#cellAt(event);
        this.#select(event.shiftKey && selection ? selection.to(cell) : new Selection(cell));
        this.focus();
      },
    });
  }

  /** Gives the focus to the cell where the selection ends. */
  focus() {
    this.#draw(); // the selection may have moved in this very turn
    this.#grid.querySelector('[tabindex="0"]')?.focus({ preventScroll: true });
  }

  #select(selection) {
    this.store.set({ selection, sectionId: null, focusedTrack: selection.focus.track });
  }

  #cellAt(event) {
    const revision = shownRevision(this.store.state);
    const box = this.#grid.getBoundingClientRect();
    const track = Math.floor((event.clientY - box.top) / LANE_PX);
    const bar = timelineOf(revision, this.store.state.barPx).barAt(event.clientX - box.left);
    return { bar, track: Math.max(0, Math.min(track, revision.tracks.length - 1)) };
  }

  #draw() {
    const revision = shownRevision(this.store.state);
    if (!revision) return;
    const timeline = timelineOf(revision, this.store.state.barPx);
    const starts = startBars(revision.sections);
    const current = this.#currentCell(revision);
    const rows = revision.tracks.map((track, index) => {
      const cells = revision.sections.map((section, place) => this.#cell({ section, place, start: starts[place], track, index, timeline, current }));
      const row = element("div", { role: "row", "aria-label": nameOf(track) }, ...cells);
      row.style.top = `${index * LANE_PX}px`;
      return row;
    });
    rebuild(this.#grid, rows);
  }

  #cell({ section, place, start, track, index, timeline, current }) {
    const behind = start + section.num_bars;
    const { selection } = this.store.state;
    const isCurrent = current.place === place && current.track === index;
    const isSelected = Boolean(selection) && selection.firstBar < behind && selection.behindBar > start && selection.firstTrack <= index && index < selection.behindTrack;
    const cell = element("div", {
      role: "gridcell",
      tabindex: isCurrent ? 0 : -1,
      dataset: { key: `${place} ${index}` },
      "aria-label": cellLabel(section, track, start, behind),
      "aria-selected": isSelected,
    });
    cell.style.left = `${timeline.xOfBar(start)}px`;
    cell.style.width = `${section.num_bars * timeline.barPx}px`;
    return cell;
  }

  /** The section and track where the selection ends; of a section chosen in the form, the focused track's cell. */
  #currentCell(revision) {
    const { selection, sectionId, focusedTrack } = this.store.state;
    const chosen = revision.sections.findIndex((section) => section.id === sectionId);
    if (chosen >= 0 || !selection) return { place: Math.max(0, chosen), track: Math.min(focusedTrack, revision.tracks.length - 1) };
    const { focus } = selection.within(revision.num_bars, revision.tracks.length);
    return { place: sectionAt(revision.sections, focus.bar), track: focus.track };
  }

  /**
   * Tabbing into the grid selects its current cell, so that keys act on what is heard; a section that is chosen in the
   * form is selected with all its tracks, which here would be more than the cell that has the focus.
   */
  #onFocus(event) {
    const { selection, sectionId } = this.store.state;
    if ((selection && sectionId === null) || event.target.role !== "gridcell") return;
    const [place, track] = event.target.dataset.key.split(" ").map(Number);
    this.#select(this.#sectionSelection(place, track));
  }

  #onKey(event) {
    const { selection } = this.store.state;
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step || !selection || event.altKey) return;
    event.preventDefault();
    const [bars, tracks] = step;
    const byBar = event.ctrlKey || event.metaKey;
    this.#select(byBar ? this.#movedByBar(bars, tracks, event.shiftKey) : this.#movedBySection(bars, tracks, event.shiftKey));
    this.#tell();
    this.focus();
  }

  #movedByBar(bars, tracks, stretch) {
    const revision = shownRevision(this.store.state);
    return this.store.state.selection.moved(bars, tracks, revision.num_bars, revision.tracks.length, { stretch });
  }

  #movedBySection(bars, tracks, stretch) {
    const { sections, tracks: all, num_bars: numBars } = shownRevision(this.store.state);
    const selection = this.store.state.selection.within(numBars, all.length);
    const from = sectionAt(sections, bars > 0 ? selection.behindBar - 1 : selection.firstBar);
    const place = Math.max(0, Math.min((bars ? from : sectionAt(sections, selection.focus.bar)) + bars, sections.length - 1));
    const track = Math.max(0, Math.min(selection.focus.track + tracks, all.length - 1));
    const target = this.#sectionSelection(place, track);
    if (!stretch) return target;
    const firstBar = Math.min(selection.firstBar, target.firstBar);
    const behindBar = Math.max(selection.behindBar, target.behindBar);
    const [firstTrack, behindTrack] = [Math.min(selection.firstTrack, track), Math.max(selection.behindTrack, track + 1)];
    return Selection.of(firstBar, behindBar, firstTrack, behindTrack);
  }

  #sectionSelection(place, track) {
    const { sections } = shownRevision(this.store.state);
    const start = startBars(sections)[place];
    return Selection.of(start, start + sections[place].num_bars, track, track + 1);
  }

  /** Selections that are no single cell of the grid are told in words. */
  #tell() {
    const { selection } = this.store.state;
    const names = shownRevision(this.store.state).tracks.slice(selection.firstTrack, selection.behindTrack).map(nameOf);
    this.store.set({ status: `Selected: bars ${barsText(selection.firstBar, selection.behindBar)}, ${names.join(", ")}.` });
  }
}
