/** The piano roll: the focused track, the others ghosted behind it, and what a comparison has found. */

import { byId, onDrag } from "./dom.js";
import { sectionAt, startBars } from "./form.js";
import { sized, themeColour, timelineOf } from "./layout.js";
import { nameOf } from "./mixer.js";
import { pitchRange } from "./notes.js";
import { css, mixed, sectionColours, trackColour } from "./palette.js";
import { Selection } from "./selection.js";
import { isTarget, shownRevision } from "./selectors.js";
import { TICKS_PER_BAR, TICKS_PER_QUARTER } from "./timeline.js";

const SOFTEST_OPACITY = 0.3;
const GHOST_OPACITY = 0.16;
const SECTION_OPACITY = 0.08;
const STRUCK_PX = 1.5;
const KEYBOARD_PX = 34;
const BLACK_KEYS = new Set([1, 3, 6, 8, 10]);
const BEATS_FROM_BAR_PX = 60;
const INK = [38, 42, 51];

/** Draws the roll whenever something in it changes; dragging across it selects bars of the focused track. */
export function startRoll(store, focusGrid) {
  const parts = ["song", "takes", "comparison", "jobs", "selection", "focusedTrack", "barPx", "isDark"];
  const redraw = () => shownRevision(store.state) && draw(store.state);
  store.watch(parts, redraw);
  new ResizeObserver(redraw).observe(byId("roll"));
  selectByDragging(store, focusGrid);
}

function draw(state) {
  const revision = shownRevision(state);
  const heightPx = byId("roll").clientHeight;
  const index = Math.min(state.focusedTrack, revision.tracks.length - 1);
  const scale = pitchScale(revision.tracks, index, heightPx);
  const timeline = timelineOf(revision, state.barPx);
  const context = sized(byId("notes"), timeline.widthPx, heightPx);
  const theme = { line: themeColour("line"), strong: themeColour("line-strong"), ink: themeColour("ink"), soft: themeColour("ink-soft"), accent: themeColour("accent"), bad: themeColour("bad"), paper: themeColour("paper") };
  drawBackground(context, revision, timeline, scale, heightPx, theme);
  drawTargets(context, state, revision, index, timeline, heightPx, theme);
  revision.tracks.forEach((track, place) => {
    if (place !== index) drawNotes(context, track.notes, timeline, scale, trackColour(place, { dark: state.isDark }), () => GHOST_OPACITY);
  });
  const loud = (velocity) => SOFTEST_OPACITY + (1 - SOFTEST_OPACITY) * (velocity / 127);
  drawNotes(context, revision.tracks[index].notes, timeline, scale, trackColour(index, { dark: state.isDark }), loud, { isStruck: true });
  drawDifference(context, state, revision.tracks[index], timeline, scale, theme);
  drawSelection(context, state, index, timeline, heightPx, theme);
  drawKeyboard(scale, heightPx, theme);
  byId("roll-name").textContent = `${nameOf(revision.tracks[index])}`;
  byId("notes").setAttribute("aria-label", `Piano roll: ${nameOf(revision.tracks[index])}, ${revision.tracks[index].notes.length} notes`);
}

/** From pitch to the top of its line. */
function pitchScale(tracks, index, heightPx) {
  const own = tracks[index].notes.length ? [tracks[index]] : tracks;
  const { low, high } = pitchRange(own);
  const semitonePx = heightPx / (high - low + 1);
  return { low, high, semitonePx, yOf: (pitch) => (high - pitch) * semitonePx };
}

function drawBackground(context, revision, timeline, scale, heightPx, theme) {
  const colours = sectionColours(revision.sections);
  const starts = startBars(revision.sections);
  revision.sections.forEach((section, index) => {
    context.fillStyle = css(colours[section.letter], SECTION_OPACITY);
    context.fillRect(timeline.xOfBar(starts[index]), 0, section.num_bars * timeline.barPx, heightPx);
  });
  context.fillStyle = theme.line;
  for (let pitch = scale.low; pitch <= scale.high; pitch += 1) {
    if (pitch % 12 === 0) context.fillRect(0, scale.yOf(pitch) + scale.semitonePx - 0.5, timeline.widthPx, 1);
  }
  const hasBeats = timeline.barPx >= BEATS_FROM_BAR_PX;
  for (let tick = 0; tick <= timeline.numTicks; tick += TICKS_PER_QUARTER) {
    const isBar = tick % TICKS_PER_BAR === 0;
    if (!isBar && !hasBeats) continue;
    context.globalAlpha = isBar ? 1 : 0.45;
    context.fillStyle = isBar && starts.includes(tick / TICKS_PER_BAR) ? theme.strong : theme.line;
    context.fillRect(Math.round(timeline.xOfTick(tick)), 0, 1, heightPx);
  }
  context.globalAlpha = 1;
}

function drawNotes(context, notes, timeline, scale, colour, opacityOf, { isStruck = false } = {}) {
  const struckColour = css(mixed(INK, colour, 0.45));
  for (const [onset, duration, pitch, velocity] of notes) {
    if (pitch < scale.low || pitch > scale.high || onset >= timeline.numTicks) continue;
    const x = timeline.xOfTick(onset);
    const y = scale.yOf(pitch);
    const heightPx = Math.max(2, scale.semitonePx - 1);
    context.fillStyle = css(colour, opacityOf(velocity));
    const widthPx = Math.max(2, timeline.xOfTick(onset + duration) - x - 0.5);
    context.fillRect(x, y, widthPx, heightPx);
    if (!isStruck || widthPx < 4 * STRUCK_PX) continue;
    context.fillStyle = struckColour;
    context.fillRect(x, y, STRUCK_PX, heightPx);
  }
}

/** Bars of the track that a job is writing. */
function drawTargets(context, state, revision, index, timeline, heightPx, theme) {
  const target = isTarget(state);
  context.save();
  context.beginPath();
  for (let bar = 0; bar < revision.num_bars; bar += 1) {
    if (target(bar, index)) context.rect(timeline.xOfBar(bar), 0, timeline.barPx, heightPx);
  }
  context.clip();
  context.beginPath();
  for (let x = -heightPx; x < timeline.widthPx; x += 12) {
    context.moveTo(x, heightPx);
    context.lineTo(x + heightPx, 0);
  }
  context.strokeStyle = theme.accent;
  context.globalAlpha = 0.28;
  context.stroke();
  context.restore();
}

/** Notes that only the other revision has are outlined in red, those that only the song has in the accent. */
function drawDifference(context, { comparison }, track, timeline, scale, theme) {
  const found = comparison?.difference.tracks.find(({ name }) => name === track.name);
  if (!found) return;
  const outline = (notes, colour, dash) => {
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.setLineDash(dash);
    for (const [onset, duration, pitch] of notes) {
      const x = timeline.xOfTick(onset);
      context.strokeRect(x, scale.yOf(pitch) - 1, Math.max(3, timeline.xOfTick(onset + duration) - x), Math.max(4, scale.semitonePx + 1));
    }
  };
  outline(found.added, theme.accent, []);
  outline(found.removed, theme.bad, [3, 2]);
  context.setLineDash([]);
}

function drawSelection(context, { selection }, index, timeline, heightPx, theme) {
  if (!selection || index < selection.firstTrack || index >= selection.behindTrack) return;
  context.globalAlpha = 0.07;
  context.fillStyle = theme.accent;
  context.fillRect(timeline.xOfBar(selection.firstBar), 0, selection.numBars * timeline.barPx, heightPx);
  context.globalAlpha = 1;
}

/** The keys of a piano beside the roll, with the names of the Cs. */
function drawKeyboard(scale, heightPx, theme) {
  const context = sized(byId("keyboard"), KEYBOARD_PX, heightPx);
  context.fillStyle = theme.paper;
  context.fillRect(0, 0, KEYBOARD_PX, heightPx);
  context.font = "10px system-ui, sans-serif";
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (let pitch = scale.low; pitch <= scale.high; pitch += 1) {
    const y = scale.yOf(pitch);
    if (BLACK_KEYS.has(pitch % 12)) {
      context.fillStyle = theme.soft;
      context.globalAlpha = 0.55;
      context.fillRect(KEYBOARD_PX - 12, y, 12, scale.semitonePx - 0.5);
      context.globalAlpha = 1;
    }
    if (pitch % 12 !== 0) continue;
    context.fillStyle = theme.line;
    context.fillRect(KEYBOARD_PX - 12, y + scale.semitonePx - 0.5, 12, 1);
    context.fillStyle = theme.soft;
    context.fillText(`C${pitch / 12 - 1}`, 2, y + scale.semitonePx / 2);
  }
}

function selectByDragging(store, focusGrid) {
  const roll = byId("roll");
  const barAt = (event) => {
    const revision = shownRevision(store.state);
    return timelineOf(revision, store.state.barPx).barAt(event.clientX - roll.getBoundingClientRect().left);
  };
  const select = (from, to) => {
    const track = store.state.focusedTrack;
    store.set({ selection: new Selection({ bar: from, track }, { bar: to, track }), sectionId: null });
  };
  onDrag(roll, {
    start: () => Boolean(store.state.song),
    move: (event, down) => select(barAt(down), barAt(event)),
    end: focusGrid,
    click: (event) => {
      const { sections } = shownRevision(store.state);
      const place = sectionAt(sections, barAt(event));
      const start = startBars(sections)[place];
      select(start, start + sections[place].num_bars - 1);
      focusGrid();
    },
  });
}
