/** What the service tells while it works: its event stream, opened again by the browser when it breaks. */

const NAMES = ["reset", "model", "song", "queued", "started", "plan", "progress", "take", "done", "failed", "cancelled"];
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;

export class Events {
  #source = null;
  #retryMs = FIRST_RETRY_MS;
  #lastId = "";
  #timer = null;

  /**
   * @param {object} listeners
   * @param {(name: string, data: object) => void} listeners.event
   * @param {(isOnline: boolean) => void} listeners.connection - told when the stream opens and when it breaks.
   */
  constructor({ event, connection }) {
    Object.assign(this, { event, connection });
  }

  /** Opens the stream; what was missed since it broke is replayed. */
  open() {
    clearTimeout(this.#timer);
    this.#source?.close();
    const missed = this.#lastId ? `?last_event_id=${encodeURIComponent(this.#lastId)}` : "";
    this.#source = new EventSource(`/api/events${missed}`);
    this.#source.onopen = () => {
      this.#retryMs = FIRST_RETRY_MS;
      this.connection(true);
    };
    this.#source.onerror = () => this.#broken();
    for (const name of NAMES) {
      this.#source.addEventListener(name, (message) => {
        this.#lastId = message.lastEventId;
        this.event(name, JSON.parse(message.data));
      });
    }
  }

  #broken() {
    this.#source.close();
    this.connection(false);
    this.#timer = setTimeout(() => this.open(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
  }
}
