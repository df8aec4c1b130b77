/** The page's state, and who is told when a part of it changes. */

export class Store {
  #watchers = [];
  #changed = new Set();

  /** @param {object} state - every part, with its first value. */
  constructor(state) {
    this.state = state;
  }

  /** Changes some parts; watchers are told once, after the running code has ended. */
  set(changes) {
    const names = Object.keys(changes).filter((name) => this.state[name] !== changes[name]);
    if (!names.length) return;
    this.state = { ...this.state, ...changes };
    if (!this.#changed.size) queueMicrotask(() => this.#tell());
    for (const name of names) this.#changed.add(name);
  }

  /** Calls `watcher(state)` now and whenever one of the named parts has changed. */
  watch(names, watcher) {
    this.#watchers.push({ names, watcher });
    watcher(this.state);
  }

  #tell() {
    const changed = this.#changed;
    this.#changed = new Set();
    for (const { names, watcher } of this.#watchers) {
      if (names.some((name) => changed.has(name))) watcher(this.state);
    }
  }
}
