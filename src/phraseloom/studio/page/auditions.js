/** Choosing between takes, and comparing the song with any revision of its history: both switch at the playhead. */

import { attempt, sentence } from "./problems.js";
import { differenceText } from "./words.js";

export const NUM_TAKES = 3;
const NAMES = ["the original", "take A", "take B", "take C"];

export class Auditions {
  constructor(store, api, editor, weaver) {
    Object.assign(this, { store, api, editor, weaver });
  }

  /** Draws takes of the selected cells; they appear one by one. */
  async draw() {
    const { selection, distance, loop } = this.store.state;
    if (!selection) {
      this.store.set({ status: "Select some cells first: drag across them, or use the arrow keys." });
      return;
    }
    this.discard();
    const job = await this.weaver.takes(selection, distance, NUM_TAKES);
    if (!job) return;
    const looped = { firstBar: Math.max(0, selection.firstBar - 1), behindBar: selection.behindBar };
    const takes = { job: job.id, region: selection, list: [], chosen: 0, isDone: false, loopBefore: loop };
    this.store.set({ takes, comparison: null, loop: looped });
    await attempt(this.store, () => this.#catchUp(job.id));
  }

  /** One event of the service's stream. */
  async follow(name, data) {
    if (data.job !== this.store.state.takes?.job) return;
    if (name === "take") await attempt(this.store, () => this.#add(data));
    if (name === "done") this.#change({ isDone: true });
    const hasNone = !this.store.state.takes?.list.length;
    if (name === "failed" || (name === "cancelled" && hasNone)) this.#close();
    else if (name === "cancelled") this.#change({ isDone: true });
  }

  /** Hears a take, 1 to 3, or the original, 0. */
  choose(place) {
    const { takes } = this.store.state;
    if (!takes || place > takes.list.length) return;
    this.#change({ chosen: place });
    this.store.set({ status: sentence(`you hear ${NAMES[place]}`) });
  }

  /** The chosen take becomes the song; the others stay in the history. */
  async keep() {
    const { takes } = this.store.state;
    if (!takes) return;
    const take = takes.list[takes.chosen - 1];
    if (take) await this.editor.change(() => ({ keep: take.id }));
    this.#close();
    this.store.set({ status: take ? sentence(`kept ${NAMES[takes.chosen]}`) : "Kept the original." });
  }

  /** The song as it was; takes stay in the history. */
  discard() {
    const { takes, comparison } = this.store.state;
    if (takes) {
      if (!takes.isDone) this.weaver.cancel(takes.job);
      this.#close();
      this.store.set({ status: "The original stays." });
    } else if (comparison) {
      this.store.set({ comparison: null });
    }
  }

  /** Lays another revision beside the song. */
  async compare(revisionId) {
    await attempt(this.store, async () => {
      const { song } = this.store.state;
      const [other, difference] = await Promise.all([
        this.editor.revision(revisionId),
        this.api.difference(song.head, revisionId),
      ]);
      this.#close();
      this.store.set({ comparison: { other, difference, isFlipped: false }, status: sentence(differenceText(difference)) });
    });
  }

  /** Hears the other revision, or the song again. */
  flip() {
    const { comparison } = this.store.state;
    if (!comparison) {
      this.store.set({ status: "Choose a revision to compare with in the history." });
      return;
    }
    const isFlipped = !comparison.isFlipped;
    const heard = isFlipped ? "the earlier revision" : "the song";
    this.store.set({ comparison: { ...comparison, isFlipped }, status: sentence(`you hear ${heard}; ${differenceText(comparison.difference)}`) });
  }

  /** Takes up what was told of the job before the page knew that it is about these takes. */
  async #catchUp(jobId) {
    const job = await this.api.job(jobId);
    for (const take of job.takes) await this.#add(take);
    if (job.state === "done" && this.store.state.takes?.job === jobId) this.#change({ isDone: true });
  }

  async #add({ revision: id, seed }) {
    const { song } = this.store.state;
    const [revision, difference] = await Promise.all([this.editor.revision(id), this.api.difference(id, song.head)]);
    const { takes } = this.store.state;
    if (!takes || takes.list.some((take) => take.id === id)) return;
    const list = [...takes.list, { ...revision, seed, difference }].sort((one, other) => one.id - other.id);
    this.#change({ list });
  }

  #change(change) {
    this.store.set({ takes: { ...this.store.state.takes, ...change } });
  }

  #close() {
    const { takes } = this.store.state;
    if (takes) this.store.set({ takes: null, loop: takes.loopBefore });
  }
}
