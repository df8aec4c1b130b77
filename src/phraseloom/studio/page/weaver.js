/** Jobs: asking for them, following what the service tells of them, cancelling, and trying again. */

import { isEmptySong, rectangleOf, weaveAction } from "./cells.js";
import { appended } from "./form.js";
import { attempt, sentence } from "./problems.js";
import { whyNotWeave } from "./selectors.js";
import { targetText } from "./words.js";

const ENDED = new Set(["done", "failed", "cancelled", "lost"]);

export class Weaver {
  #ended = new Set(); // an answer can come after the events of the job that it describes
  #numAsked = 0; // jobs that this page has asked for: a list of jobs from before does not know the latest

  constructor(store, api, editor) {
    Object.assign(this, { store, api, editor });
  }

  /** The one big button: a song, its gaps, or another song. */
  async weave() {
    const action = weaveAction(this.store.state.song.revision.tracks);
    if (action === "gaps") await this.ask({ operation: "infill" });
    else if (action === "another") await this.another();
    else await this.ask({ operation: "generate" });
  }

  /** All cells that are not locked, with another seed. */
  async another() {
    if (this.#refuses()) return;
    await this.throwDice();
    await this.ask({ operation: "generate" });
  }

  throwDice() {
    const seed = Math.floor(Math.random() * this.store.state.model.limits.max_seed);
    return this.editor.change(() => ({ seed }));
  }

  /** New bars at the end: empty ones, or woven to what stands before. */
  async extend(letter, numBars, { isWoven }) {
    const { song } = this.store.state;
    if (isWoven && !isEmptySong(song.revision.tracks)) await this.ask({ operation: "extend", form: `${letter}${numBars}` });
    else await this.editor.change(({ revision }) => ({ sections: appended(revision.sections, letter, numBars) }));
  }

  /** The selected cells anew, as takes to choose from. Returns the job, or undefined where there is none. */
  takes(selection, distance, count) {
    const { song } = this.store.state;
    const isNear = distance < 1;
    const cells = [rectangleOf(selection, song.revision.tracks)];
    const request = isNear ? { operation: "vary", distance } : { operation: "infill" };
    return this.ask({ ...request, cells, count, keep: false });
  }

  /** Asks for a job of the open song. */
  async ask(request) {
    if (this.#refuses()) return undefined;
    const { song } = this.store.state;
    return this.#begin(
      () => this.api.createJob({ song: song.id, ...request }),
      () => this.ask(request),
    );
  }

  async cancel(id) {
    const job = await attempt(this.store, () => this.api.cancelJob(id));
    if (job) this.#update(job);
  }

  again(id) {
    return this.#begin(() => this.api.repeatJob(id), () => this.again(id));
  }

  /** Reads the song's jobs again, after the page has lost sight of them. */
  async refresh() {
    const { song } = this.store.state;
    const numAsked = this.#numAsked;
    const answer = await attempt(this.store, () => this.api.jobs(song.id));
    if (!answer || this.store.state.song.id !== song.id) return;
    if (numAsked !== this.#numAsked) {
      await this.refresh();
      return;
    }
    this.store.set({ jobs: answer.jobs.filter((job) => !ENDED.has(job.state)) });
    const [latest] = answer.jobs;
    if (latest?.state === "lost") this.#tellLost(latest);
  }

  /** One event of the service's stream about a job of the open song. */
  follow(name, data) {
    const id = data.job;
    if (name === "queued") this.#update({ id, state: "queued", queue_place: data.queue_place });
    if (name === "started") this.#update({ ...data, id, state: "running" });
    if (name === "plan") this.#update({ id, plan: data });
    if (name === "progress") this.#update({ id, state: "running", doing: data.doing, share: data.share, take: data.take, count: data.count });
    if (!ENDED.has(name)) return;
    this.#ended.add(id);
    const job = this.store.state.jobs.find((one) => one.id === id);
    this.store.set({ jobs: this.store.state.jobs.filter((one) => one.id !== id), status: endText(name, job, data) });
    if (name === "failed") this.#tellFailed(id, data.problem);
  }

  /** Asks for a job in one way or another; returns it, or undefined where there is none. */
  async #begin(send, retry) {
    this.store.set({ error: null });
    const job = await attempt(this.store, send, retry);
    if (!job) return undefined;
    this.#numAsked += 1;
    this.store.set({ error: null }); // a list of jobs that was read meanwhile may have told of a lost one
    this.#update(job);
    return job;
  }

  #tellFailed(id, { detail, remedy }) {
    this.store.set({ error: { detail, remedy, retry: () => this.again(id) } });
  }

  #tellLost(job) {
    const detail = `${sentence(targetText(job.operation, job.cells)).slice(0, -1)} was being woven when the service ended`;
    this.store.set({ error: { detail, remedy: "the song is as it was before; weave it again", retry: () => this.again(job.id) } });
  }

  #update(change) {
    const { jobs } = this.store.state;
    if (ENDED.has(change.state) || this.#ended.has(change.id)) {
      this.store.set({ jobs: jobs.filter((job) => job.id !== change.id) });
      return;
    }
    const isKnown = jobs.some((job) => job.id === change.id);
    const changed = isKnown ? jobs.map((job) => (job.id === change.id ? { ...job, ...change } : job)) : [...jobs, change];
    this.store.set({ jobs: changed });
  }

  #refuses() {
    const reason = whyNotWeave(this.store.state);
    if (reason) this.store.set({ status: reason });
    return Boolean(reason);
  }
}

function endText(name, job, data) {
  const what = targetText(job?.operation, job?.cells);
  if (name === "cancelled") return `Cancelled: ${what} stays as it was.`;
  if (name === "failed") return `Failed: ${what} stays as it was.`;
  const { length } = data.takes;
  return length > 1 ? `Done: ${length} takes of ${what}.` : `Done: wove ${what}.`;
}
