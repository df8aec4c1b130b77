/** How wide a bar is: as much as fits, then as the user zooms; and the colours of the page for its canvases. */

import { byId } from "./dom.js";
import { shownRevision } from "./selectors.js";
import { Timeline } from "./timeline.js";

const LEAST_BAR_PX = 28;
const WIDEST_BAR_PX = 160;
const ZOOM_STEP = 1.3;
const END_PX = 64;

export const LANE_PX = 58;

const darkScheme = window.matchMedia("(prefers-color-scheme: dark)");

/** Sets `barPx` in the state when the song, the window or the zoom changes. */
export function startLayout(store) {
  let zoom = 1;
  const scroller = byId("scroller");
  const sheet = byId("sheet");
  const update = () => {
    const numBars = shownRevision(store.state)?.num_bars ?? 1;
    const gutterPx = sheet.firstElementChild.offsetWidth;
    const fitting = (scroller.clientWidth - gutterPx - END_PX) / numBars;
    const barPx = Math.min(Math.max(LEAST_BAR_PX, fitting) * zoom, Math.max(WIDEST_BAR_PX, fitting));
    sheet.style.setProperty("--song-width", `${barPx * numBars}px`);
    sheet.style.setProperty("--lane", `${LANE_PX}px`);
    store.set({ barPx });
  };
  const zoomBy = (factor) => {
    zoom = Math.min(8, Math.max(0.5, zoom * factor));
    update();
  };
  byId("zoom-in").addEventListener("click", () => zoomBy(ZOOM_STEP));
  byId("zoom-out").addEventListener("click", () => zoomBy(1 / ZOOM_STEP));
  new ResizeObserver(update).observe(scroller);
  darkScheme.addEventListener("change", () => store.set({ isDark: darkScheme.matches }));
  store.set({ isDark: darkScheme.matches });
  store.watch(["song", "takes", "comparison"], update);
}

/** Bars, pixels and seconds of a revision as it is laid out now. */
export function timelineOf(revision, barPx) {
  return new Timeline({ numBars: revision.num_bars, barPx, tempos: revision.tempos });
}

/** A canvas of some size in CSS pixels, sharp on any screen; returns its cleared context. */
export function sized(canvas, widthPx, heightPx) {
  const scale = Math.min(window.devicePixelRatio, MOST_CANVAS_PX / Math.max(widthPx, 1));
  canvas.width = Math.round(widthPx * scale);
  canvas.height = Math.round(heightPx * scale);
  canvas.style.width = `${widthPx}px`;
  canvas.style.height = `${heightPx}px`;
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, widthPx, heightPx);
  return context;
}

const MOST_CANVAS_PX = 16000;

/** A colour of the stylesheet, such as `ink`. */
export function themeColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
