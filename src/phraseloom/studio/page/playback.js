/** Plays what the page shows: fetches its sound, follows the mixer and the loop, and moves the playhead. */

import { attempt } from "./problems.js";
import { gainOf, loopTicks, shownRevision } from "./selectors.js";
import { Timeline } from "./timeline.js";

export class Playback {
  #movers = [];
  #revision = null;
  #frame = null;

  constructor(store, player, sound) {
    Object.assign(this, { store, player, sound });
    store.watch(["song", "takes", "comparison", "model", "isOnline"], () => this.#follow());
    store.watch(["mixer", "song"], (state) => this.#setGains(state));
    store.watch(["loop", "song"], (state) => this.#setLoop(state));
  }

  /** Calls `mover(tick, level)` whenever the playhead moves. */
  onMove(mover) {
    this.#movers.push(mover);
  }

  get tick() {
    return this.#revision ? Math.min(this.timeline.tickOf(this.player.position), this.timeline.numTicks) : 0;
  }

  /** Bars and seconds of what is shown. */
  get timeline() {
    return timelineOf(this.#revision);
  }

  /** Plays or stops; while the sound is still being rendered, plays as soon as it is there. */
  async toggle() {
    const { sound, isPlayWanted, jobs } = this.store.state;
    if (this.player.isPlaying) this.#pause();
    else if (isPlayWanted) this.store.set({ isPlayWanted: false, status: "" });
    else if (sound === "loading" || (sound === "none" && jobs.length)) {
      this.store.set({ isPlayWanted: true, status: "Plays as soon as the sound is there." });
    } else await this.#play();
  }

  seek(tick) {
    if (!this.#revision) return;
    this.player.seek(this.timeline.secondsOf(tick));
    this.#move();
  }

  async #play() {
    await this.player.play();
    this.store.set({ isPlaying: true, isPlayWanted: false });
    cancelAnimationFrame(this.#frame);
    this.#animate();
  }

  #pause() {
    this.player.pause();
    this.#move(); // where it stopped, before anything says that it has
    this.store.set({ isPlaying: false });
  }

  #animate() {
    this.player.stopAtEnd();
    this.#move();
    if (this.player.isPlaying) this.#frame = requestAnimationFrame(() => this.#animate());
    else this.store.set({ isPlaying: false });
  }

  #move() {
    for (const mover of this.#movers) mover(this.tick, this.player.isPlaying ? this.player.level : 0);
  }

  async #follow() {
    const { model, isOnline, sound } = this.store.state;
    const revision = shownRevision(this.store.state);
    const isMissed = sound === "unavailable" && isOnline;
    if (!revision || !model || (revision === this.#revision && !isMissed)) return;
    this.#revision = revision;
    const mix = await this.#mixOf(revision);
    if (revision !== this.#revision) return;
    this.player.load(mix ?? silence(revision));
    this.#setLoop(this.store.state);
    this.#move();
    if (mix && this.store.state.isPlayWanted && this.store.state.sound === "ready") await this.#play();
  }

  /** The mix of a revision; undefined where it cannot be had now. */
  async #mixOf(revision) {
    const { model, takes } = this.store.state;
    const hasNotes = revision.tracks.some((track) => track.notes.length);
    if (!hasNotes || !model.exports.includes("wav")) {
      this.store.set({ sound: hasNotes ? "unavailable" : "none" });
      return silence(revision);
    }
    this.store.set({ sound: "loading" });
    const mix = await attempt(this.store, () => this.sound.mix(revision, timelineOf(revision), takes?.chosen ? barsAround(takes.region, revision) : null));
    if (revision === this.#revision) this.store.set({ sound: mix ? "ready" : "unavailable" });
    return mix;
  }

  #setGains({ mixer, song }) {
    song?.revision.tracks.forEach((track, index) => this.player.setGain(index, gainOf(mixer, track.name)));
  }

  #setLoop(state) {
    if (!this.#revision) return;
    const ticks = loopTicks(state, this.#revision.num_bars);
    const { timeline } = this;
    this.player.setLoop(ticks && { startSeconds: timeline.secondsOf(ticks.start), endSeconds: timeline.secondsOf(ticks.end) });
    this.#move();
  }
}

/** Bars and seconds of a revision; a bar is one pixel wide. */
function timelineOf(revision) {
  return new Timeline({ numBars: revision.num_bars, barPx: 1, tempos: revision.tempos });
}

function silence(revision) {
  return { durationSeconds: timelineOf(revision).durationSeconds, stems: revision.tracks.map(() => null) };
}

/** A take is rendered with one bar around it, from 1, both ends in. */
function barsAround(region, revision) {
  return { first: Math.max(1, region.firstBar), last: Math.min(region.behindBar + 1, revision.num_bars) };
}
