/** The cells as a picture: what is empty, fresh, stale, locked, being written or selected, with the notes in small. */

import { EMPTY, STALE, isLocked } from "./cells.js";
import { byId } from "./dom.js";
import { startBars } from "./form.js";
import { LANE_PX, sized, themeColour, timelineOf } from "./layout.js";
import { barOf, pitchRange } from "./notes.js";
import { css, sectionColours, trackColour } from "./palette.js";
import { isTarget, shownRevision } from "./selectors.js";

const INSET_PX = 1.5;
const RADIUS_PX = 4;
const HATCH_PX = 7;
const NOTE_MARGIN_PX = 6;

/** Draws the cells whenever something about them changes. */
export function startCellCanvas(store) {
  const parts = ["song", "takes", "comparison", "jobs", "selection", "barPx", "isDark"];
  store.watch(parts, (state) => shownRevision(state) && draw(state));
}

function draw(state) {
  const revision = shownRevision(state);
  const timeline = timelineOf(revision, state.barPx);
  const heightPx = revision.tracks.length * LANE_PX;
  byId("lanes").style.height = `${heightPx}px`;
  const context = sized(byId("cells"), timeline.widthPx, heightPx);
  const theme = { ink: themeColour("ink"), soft: themeColour("ink-soft"), line: themeColour("line"), accent: themeColour("accent"), warn: themeColour("warn") };
  const target = isTarget(state);
  revision.tracks.forEach((track, index) => {
    const colour = trackColour(index, { dark: state.isDark });
    for (let bar = 0; bar < revision.num_bars; bar += 1) {
      const box = { x: timeline.xOfBar(bar) + INSET_PX, y: index * LANE_PX + INSET_PX, width: timeline.barPx - 2 * INSET_PX, height: LANE_PX - 2 * INSET_PX };
      drawCell(context, box, { kind: track.cells[bar], isLocked: isLocked(track, bar), isTarget: target(bar, index), colour, theme });
    }
    drawNotes(context, track, index, timeline, colour);
    drawPadlocks(context, track, index, timeline, theme);
  });
  drawSections(context, revision, timeline, heightPx);
  drawSelection(context, state.selection, timeline, theme);
}

function drawCell(context, box, { kind, isLocked: locked, isTarget: written, colour, theme }) {
  context.beginPath();
  context.roundRect(box.x, box.y, box.width, box.height, RADIUS_PX);
  if (kind === EMPTY) {
    context.strokeStyle = theme.line;
    context.setLineDash([2, 3]);
    context.stroke();
    context.setLineDash([]);
  } else {
    context.fillStyle = css(colour, locked ? 0.26 : 0.13);
    context.fill();
    if (kind === STALE) hatch(context, box, theme.warn, 0.5);
  }
  if (written) hatch(context, box, theme.accent, 0.8);
}

/** Diagonal lines inside a cell; they say by shape, not by colour alone, that it is stale or being written. */
function hatch(context, box, colour, opacity) {
  context.save();
  context.beginPath();
  context.roundRect(box.x, box.y, box.width, box.height, RADIUS_PX);
  context.clip();
  context.beginPath();
  for (let x = box.x - box.height; x < box.x + box.width; x += HATCH_PX) {
    context.moveTo(x, box.y + box.height);
    context.lineTo(x + box.height, box.y);
  }
  context.globalAlpha = opacity;
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.stroke();
  context.restore();
}

function drawNotes(context, track, index, timeline, colour) {
  const { low, high } = pitchRange([track]);
  const semitonePx = (LANE_PX - 2 * NOTE_MARGIN_PX) / (high - low + 1);
  context.fillStyle = css(colour, 0.95);
  for (const note of track.notes) {
    if (barOf(note) >= timeline.numBars) continue;
    const [onset, duration, pitch] = note;
    const x = timeline.xOfTick(onset);
    const y = index * LANE_PX + NOTE_MARGIN_PX + (high - pitch) * semitonePx;
    context.fillRect(x, y, Math.max(1.5, timeline.xOfTick(onset + duration) - x - 0.5), Math.max(1.5, semitonePx));
  }
}

/** A padlock where a run of locked cells begins, and a line under all of it. */
function drawPadlocks(context, track, index, timeline, theme) {
  for (const { index: first, 0: run } of track.locked.matchAll(/1+/g)) {
    const x = timeline.xOfBar(first) + 5;
    const y = (index + 1) * LANE_PX - 6;
    context.fillStyle = theme.ink;
    context.fillRect(x - 2, y + 1.5, run.length * timeline.barPx - 6, 2);
    context.strokeStyle = theme.ink;
    context.lineWidth = 1.5;
    context.fillRect(x, y - 8, 8, 6.5);
    context.beginPath();
    context.arc(x + 4, y - 8, 2.6, Math.PI, 0);
    context.stroke();
  }
}

function drawSections(context, revision, timeline, heightPx) {
  const colours = sectionColours(revision.sections);
  startBars(revision.sections).forEach((start, index) => {
    if (!start) return;
    context.fillStyle = css(colours[revision.sections[index].letter]);
    context.fillRect(timeline.xOfBar(start) - 1, 0, 2, heightPx);
  });
}

function drawSelection(context, selection, timeline, theme) {
  if (!selection) return;
  const x = timeline.xOfBar(selection.firstBar);
  const y = selection.firstTrack * LANE_PX;
  context.beginPath();
  context.roundRect(x + 1, y + 1, selection.numBars * timeline.barPx - 2, (selection.behindTrack - selection.firstTrack) * LANE_PX - 2, RADIUS_PX + 1);
  context.globalAlpha = 0.1;
  context.fillStyle = theme.accent;
  context.fill();
  context.globalAlpha = 1;
  context.strokeStyle = theme.accent;
  context.lineWidth = 2;
  context.stroke();
}
