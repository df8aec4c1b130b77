/** Where the music is: the ruler with bar numbers, the playhead (a slider), and the line through everything. */

import { byId, element, onDrag, setAttribute } from "./dom.js";
import { startBars } from "./form.js";
import { timelineOf } from "./layout.js";
import { shownRevision } from "./selectors.js";
import { TICKS_PER_BAR, TICKS_PER_QUARTER, clockText, placeText } from "./timeline.js";

const LEAST_NUMBER_PX = 40;
const FOLLOW_MARGIN_PX = 40;

export class Playhead {
  #ruler = byId("ruler");
  #handle = element("div", { class: "playhead", role: "slider", tabindex: 0, "aria-label": "Playhead", "aria-valuemin": 1 });
  #numbers = element("div", { "aria-hidden": "true" });

  constructor(store, playback) {
    Object.assign(this, { store, playback });
    this.#ruler.append(this.#numbers, this.#handle);
    store.watch(["song", "takes", "comparison", "barPx", "loop"], () => this.#drawRuler());
    playback.onMove((tick, level) => this.#move(tick, level));
    this.#handle.addEventListener("keydown", (event) => this.#onKey(event));
    onDrag(this.#ruler, { move: (event) => this.#seekTo(event), end: (event) => this.#seekTo(event), click: (event) => this.#seekTo(event) });
  }

  get #timeline() {
    const revision = shownRevision(this.store.state);
    return revision && timelineOf(revision, this.store.state.barPx);
  }

  #drawRuler() {
    const timeline = this.#timeline;
    if (!timeline) return;
    const { loop } = this.store.state;
    const starts = new Set(startBars(shownRevision(this.store.state).sections));
    const every = [1, 2, 4, 8, 16].find((bars) => bars * timeline.barPx >= LEAST_NUMBER_PX) ?? 32;
    const marks = Array.from({ length: timeline.numBars }, (_, bar) => bar)
      .filter((bar) => starts.has(bar) || bar % every === 0)
      .filter((bar, index, bars) => starts.has(bar) || !bars.some((other) => starts.has(other) && other > bar && (other - bar) * timeline.barPx < LEAST_NUMBER_PX))
      .map((bar) => at(element("span", { class: "number" }, String(bar + 1)), timeline.xOfBar(bar)));
    if (loop) {
      const span = at(element("span", { class: "loop-span" }), timeline.xOfBar(loop.firstBar));
      span.style.width = `${(loop.behindBar - loop.firstBar) * timeline.barPx}px`;
      marks.push(span);
    }
    this.#numbers.replaceChildren(...marks);
    this.#move(this.playback.tick, 0);
  }

  #move(tick, level) {
    const timeline = this.#timeline;
    if (!timeline) return;
    const x = timeline.xOfTick(tick);
    this.#handle.style.transform = `translateX(${x}px)`;
    byId("playline").style.transform = `translateX(${x}px)`;
    const place = placeText(Math.min(tick, timeline.numTicks - 1));
    setAttribute(this.#handle, "aria-valuemax", timeline.numBars);
    setAttribute(this.#handle, "aria-valuenow", place.split(".")[0]);
    const [bar, beat] = place.split(".");
    setAttribute(this.#handle, "aria-valuetext", `bar ${bar}, beat ${beat}`);
    this.#handle.dataset.tick = tick;
    byId("place").textContent = place;
    byId("length").textContent = ` / ${timeline.numBars} · ${clockText(timeline.secondsOf(tick))}`;
    byId("level").value = level;
    if (this.store.state.isPlaying) followInScroller(x);
  }

  #onKey(event) {
    const tick = this.playback.tick;
    const bar = Math.round(tick / TICKS_PER_BAR);
    const to = {
      ArrowLeft: tick - TICKS_PER_QUARTER,
      ArrowRight: tick + TICKS_PER_QUARTER,
      PageUp: (bar + 1) * TICKS_PER_BAR,
      PageDown: (bar - 1) * TICKS_PER_BAR,
      Home: 0,
      End: this.#timeline?.numTicks,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.playback.seek(to);
  }

  #seekTo(event) {
    const timeline = this.#timeline;
    if (timeline) this.playback.seek(timeline.tickAt(event.clientX - this.#ruler.getBoundingClientRect().left));
  }
}

function at(node, x) {
  node.style.left = `${x}px`;
  return node;
}

/** Scrolls on when the playhead leaves what is seen. */
function followInScroller(x) {
  const scroller = byId("scroller");
  const gutterPx = byId("sheet").firstElementChild.offsetWidth;
  const right = scroller.scrollLeft + scroller.clientWidth - gutterPx - FOLLOW_MARGIN_PX;
  if (x < scroller.scrollLeft || x > right) scroller.scrollLeft = x - FOLLOW_MARGIN_PX;
}
