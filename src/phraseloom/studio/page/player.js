/**
 * Plays a mix: one sound a track, all from the same clock, so that tracks stay together and another mix takes over at the
 * very place where the playhead stands.
 *
 * A mix is `{durationSeconds, stems}`; a stem is `{buffer, startSeconds}`, or null for a track without sound. A mix
 * without any sound plays too: the playhead moves in silence.
 */

const FADE_SECONDS = 0.015;
const AHEAD_SECONDS = 0.02;
const MASTER_GAIN = 0.8;
const ANALYSER_SAMPLES = 2048;

export class Player {
  #context = null;
  #master = null;
  #analyser = null;
  #trackGains = [];
  #gains = [];
  #voices = [];
  #mix = { durationSeconds: 0, stems: [] };
  #loop = null;
  #isPlaying = false;
  #seconds = 0; // where the playhead was at #startedAt, or stands while it does not move
  #startedAt = 0;

  get isPlaying() {
    return this.#isPlaying;
  }

  /** Seconds from the start of the song. */
  get position() {
    return this.#isPlaying ? this.#positionAt(this.#context.currentTime) : this.#seconds;
  }

  /** How loud it is now: root mean square of what goes to the loudspeakers, 0 to about 1. */
  get level() {
    if (!this.#analyser) return 0;
    const samples = new Float32Array(ANALYSER_SAMPLES);
    this.#analyser.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
  }

  /** Another mix from here on; what plays goes on at the same place. */
  load(mix) {
    this.#mix = mix;
    if (this.#isPlaying) this.#startVoices();
    else this.#seconds = Math.min(this.#seconds, mix.durationSeconds);
  }

  /** Starts at the playhead, or from the beginning where that stands at the end. Needs a gesture of the user. */
  async play() {
    this.#open();
    await this.#context.resume();
    if (this.#isPlaying) return;
    if (this.#seconds >= this.#mix.durationSeconds - FADE_SECONDS) this.#seconds = this.#loop?.startSeconds ?? 0;
    this.#isPlaying = true;
    this.#startedAt = this.#context.currentTime + AHEAD_SECONDS;
    this.#startVoices();
  }

  pause() {
    if (!this.#isPlaying) return;
    this.#seconds = this.position;
    this.#isPlaying = false;
    this.#stopVoices();
  }

  seek(seconds) {
    this.#seconds = Math.max(0, Math.min(seconds, this.#mix.durationSeconds));
    if (!this.#isPlaying) return;
    this.#startedAt = this.#context.currentTime + AHEAD_SECONDS;
    this.#startVoices();
  }

  /** Plays a part again and again, `{startSeconds, endSeconds}`; null for none. A playhead outside goes to its start. */
  setLoop(loop) {
    if (loop?.startSeconds === this.#loop?.startSeconds && loop?.endSeconds === this.#loop?.endSeconds) return;
    const position = this.position;
    this.#loop = loop;
    const isInside = !loop || (position >= loop.startSeconds && position < loop.endSeconds);
    this.seek(isInside ? position : loop.startSeconds);
  }

  /** How loud a track is, 0 (muted) to 1. */
  setGain(track, gain) {
    this.#gains[track] = gain;
    if (this.#trackGains[track]) this.#trackGains[track].gain.setTargetAtTime(gain, this.#context.currentTime, FADE_SECONDS);
  }

  /** Stops where the song ends; to be called while it plays, a few times a second. */
  stopAtEnd() {
    if (this.#isPlaying && !this.#loop && this.position >= this.#mix.durationSeconds) this.pause();
  }

  #open() {
    if (this.#context) return;
    this.#context = new AudioContext();
    this.#master = new GainNode(this.#context, { gain: MASTER_GAIN });
    this.#analyser = new AnalyserNode(this.#context, { fftSize: ANALYSER_SAMPLES });
    this.#master.connect(this.#analyser).connect(this.#context.destination);
  }

  #positionAt(contextSeconds) {
    const seconds = this.#seconds + Math.max(0, contextSeconds - this.#startedAt);
    const loop = this.#loop;
    if (loop && seconds >= loop.endSeconds) {
      const length = loop.endSeconds - loop.startSeconds;
      return loop.startSeconds + ((seconds - loop.startSeconds) % length);
    }
    return Math.min(seconds, this.#mix.durationSeconds);
  }

  #startVoices() {
    this.#stopVoices();
    const when = Math.max(this.#context.currentTime + AHEAD_SECONDS, this.#startedAt);
    const position = this.#positionAt(when);
    this.#voices = this.#mix.stems.flatMap((stem, track) => (stem ? [this.#voice(stem, track, when, position)] : []));
  }

  #voice({ buffer, startSeconds }, track, when, position) {
    const fade = new GainNode(this.#context, { gain: 0 });
    fade.gain.setTargetAtTime(1, when, FADE_SECONDS / 3);
    fade.connect(this.#trackGain(track));
    const source = new AudioBufferSourceNode(this.#context, { buffer });
    if (this.#loop) {
      source.loop = true;
      source.loopStart = Math.max(0, this.#loop.startSeconds - startSeconds);
      source.loopEnd = this.#loop.endSeconds - startSeconds;
    }
    source.connect(fade);
    const offset = position - startSeconds;
    source.start(when + Math.max(0, -offset), Math.max(0, offset));
    return { source, fade };
  }

  #trackGain(track) {
    if (!this.#trackGains[track]) {
      this.#trackGains[track] = new GainNode(this.#context, { gain: this.#gains[track] ?? 1 });
      this.#trackGains[track].connect(this.#master);
    }
    return this.#trackGains[track];
  }

  #stopVoices() {
    for (const { source, fade } of this.#voices) {
      fade.gain.cancelScheduledValues(this.#context.currentTime);
      fade.gain.setTargetAtTime(0, this.#context.currentTime, FADE_SECONDS / 3);
      source.stop(this.#context.currentTime + 4 * FADE_SECONDS);
    }
    this.#voices = [];
  }
}
