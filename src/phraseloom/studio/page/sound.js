/**
 * The sound of revisions: stems rendered by the service, kept by their names, so that what sounds the same is fetched
 * once, and a new instrument fetches one track.
 */

const SAMPLE_RATE_HZ = 44100;
const MOST_BYTES = 400e6;

export class Sound {
  #buffers = new Map(); // by name, the one used longest ago first
  #numBytes = 0;

  constructor(api) {
    this.api = api;
  }

  /**
   * The mix of a revision, for `Player`.
   *
   * @param {object} revision
   * @param {Timeline} timeline - the revision's.
   * @param {{first: number, last: number} | null} bars - where given, tracks that are not at hand are rendered for these
   *   bars only (from 1, both ends in).
   */
  async mix(revision, timeline, bars = null) {
    const stems = revision.tracks.map((track, index) => {
      if (!track.notes.length) return null;
      if (!bars || this.#buffers.has(track.stem)) return this.#stem(revision, track.stem, index, null, 0);
      const startSeconds = timeline.secondsOf((bars.first - 1) * revision.ticks_per_bar);
      return this.#stem(revision, `${track.stem} ${bars.first}-${bars.last}`, index, bars, startSeconds);
    });
    return { durationSeconds: timeline.durationSeconds, stems: await Promise.all(stems) };
  }

  async #stem(revision, name, index, bars, startSeconds) {
    const buffer = this.#buffers.get(name) ?? (await decoded(await this.api.stem(revision.id, index + 1, bars)));
    if (!this.#buffers.delete(name)) this.#numBytes += bytesOf(buffer);
    this.#buffers.set(name, buffer); // behind all others: used last
    this.#forgetOldest();
    return { buffer, startSeconds };
  }

  #forgetOldest() {
    for (const [name, buffer] of this.#buffers) {
      if (this.#numBytes <= MOST_BYTES) return;
      this.#buffers.delete(name);
      this.#numBytes -= bytesOf(buffer);
    }
  }
}

/** Decoding needs no gesture of the user in an offline context. */
function decoded(bytes) {
  return new OfflineAudioContext(1, 1, SAMPLE_RATE_HZ).decodeAudioData(bytes);
}

function bytesOf(buffer) {
  return buffer.length * buffer.numberOfChannels * Float32Array.BYTES_PER_ELEMENT;
}
