/**
 * The song that is open: its changes, each a step of undo that the service keeps, and undo itself, which also works on
 * what is at hand while the service does not answer.
 */

import { Problem, Unreachable } from "./api.js";
import { nearby, redone, undone } from "./history.js";
import { attempt } from "./problems.js";

const STEPS_AT_HAND = 10;
const IDLE_MS = 600;

export class Editor {
  #queue = Promise.resolve();
  #revisions = new Map();
  #idleTimer = null;

  constructor(store, api) {
    Object.assign(this, { store, api });
  }

  /** Shows a song as the service gave it. */
  show(song) {
    this.#revisions.set(song.head, song.revision);
    const isOther = this.store.state.song?.id !== song.id;
    const fresh = { jobs: [], takes: null, comparison: null, selection: null, sectionId: null, loop: null, error: null, revisions: null, focusedTrack: 0 };
    this.store.set({ ...(isOther ? fresh : {}), song, report: null });
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#keepAtHand(song), IDLE_MS);
  }

  /** A revision, from what is at hand if it is. */
  async revision(id) {
    if (!this.#revisions.has(id)) this.#revisions.set(id, await this.api.revision(id));
    return this.#revisions.get(id);
  }

  /**
   * Changes the song; changes wait for one another, so that each starts from what the one before has left.
   *
   * @param {(song: object) => object} changesOf - members for `PATCH /api/songs/{id}`.
   * @param {(problem: Problem) => void} [onProblem] - told what the service refuses, in place of the page.
   */
  change(changesOf, onProblem = null) {
    return this.#enqueue(async () => {
      const { song } = this.store.state;
      try {
        this.show(await this.api.patchSong(song.id, changesOf(song)));
      } catch (error) {
        if (!(onProblem && error instanceof Problem)) throw error;
        onProblem(error);
      }
    });
  }

  undo() {
    return this.#step("undo", undone, -1);
  }

  redo() {
    return this.#step("redo", redone, 1);
  }

  /** Reads the song again, after steps that were made without the service have been made there too. */
  refresh() {
    return this.#enqueue(async () => {
      const { song, pendingSteps } = this.store.state;
      for (let step = 0; step < Math.abs(pendingSteps); step += 1) {
        await this.api.step(song.id, pendingSteps < 0 ? "undo" : "redo");
      }
      this.store.set({ pendingSteps: 0 });
      this.show(await this.api.song(song.id));
    });
  }

  #step(direction, stepped, change) {
    return this.#enqueue(async () => {
      const { song } = this.store.state;
      if (!stepped(song)) return;
      try {
        this.show(await this.api.step(song.id, direction));
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        this.#stepWithoutService(stepped(song), change);
      }
    });
  }

  #stepWithoutService(line, change) {
    const { song, pendingSteps } = this.store.state;
    const revision = this.#revisions.get(line.head);
    if (!revision) {
      this.store.set({ isOnline: false, status: "That step is not at hand while the service does not answer." });
      return;
    }
    this.store.set({ isOnline: false, pendingSteps: pendingSteps + change, song: { ...song, ...line, revision } });
  }

  #enqueue(action) {
    this.#queue = this.#queue.then(() => attempt(this.store, action));
    return this.#queue;
  }

  /** While nothing happens: the revisions near by and the song as MIDI, for the time when the service may be gone. */
  async #keepAtHand(song) {
    await attempt(this.store, async () => {
      const url = URL.createObjectURL(await this.api.file(song.head, "mid"));
      if (this.store.state.midi) URL.revokeObjectURL(this.store.state.midi.url);
      this.store.set({ midi: { revision: song.head, url } });
      for (const id of nearby(song, STEPS_AT_HAND)) await this.revision(id);
    });
  }
}
