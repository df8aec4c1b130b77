/**
 * Where things stand on the page: bars, ticks and seconds to pixels and back. The first bar begins at pixel 0; bars are
 * 48 ticks long (4/4) and equally wide, whatever the tempo.
 */

export const TICKS_PER_QUARTER = 12;
export const TICKS_PER_BAR = 48;

export class Timeline {
  /**
   * @param {object} song
   * @param {number} song.numBars - at least 1.
   * @param {number} song.barPx - width of a bar.
   * @param {[number, number][]} song.tempos - tick and quarter notes a minute of every change, the first at tick 0.
   */
  constructor({ numBars, barPx, tempos }) {
    Object.assign(this, { numBars, barPx, tempos });
    Object.freeze(this);
  }

  get numTicks() {
    return this.numBars * TICKS_PER_BAR;
  }

  get widthPx() {
    return this.numBars * this.barPx;
  }

  get durationSeconds() {
    return this.secondsOf(this.numTicks);
  }

  xOfBar(bar) {
    return bar * this.barPx;
  }

  xOfTick(tick) {
    return this.xOfBar(tick / TICKS_PER_BAR);
  }

  /** The tick under a pixel, within the song, not rounded. */
  tickAt(x) {
    return clamped((x / this.barPx) * TICKS_PER_BAR, 0, this.numTicks);
  }

  /** The bar under a pixel, 0 to the last. */
  barAt(x) {
    return clamped(Math.floor(x / this.barPx), 0, this.numBars - 1);
  }

  /** How many bars a pixel is to the right of bar line `bar`, rounded; negative to its left. */
  barsFrom(bar, x) {
    return Math.round(x / this.barPx) - bar;
  }

  /** Seconds from the start to a tick, with every tempo change before it. */
  secondsOf(tick) {
    return this.tempos.reduce((seconds, [start, tempoBpm], index) => {
      const end = Math.min(this.tempos[index + 1]?.[0] ?? Infinity, tick);
      return seconds + (Math.max(0, end - start) / TICKS_PER_QUARTER) * (60 / tempoBpm);
    }, 0);
  }

  /** The inverse of `secondsOf`. */
  tickOf(seconds) {
    const index = this.tempos.findLastIndex(([start]) => this.secondsOf(start) <= seconds);
    const [start, tempoBpm] = this.tempos[Math.max(0, index)];
    return start + ((seconds - this.secondsOf(start)) * tempoBpm * TICKS_PER_QUARTER) / 60;
  }
}

/** A place as musicians say it, bar and beat from 1: `5.1`. */
export function placeText(tick) {
  const bar = Math.floor(tick / TICKS_PER_BAR);
  const beat = Math.floor((tick - bar * TICKS_PER_BAR) / TICKS_PER_QUARTER);
  return `${bar + 1}.${beat + 1}`;
}

/** Bars from `first` to `behind - 1`, counted from 0, as users write them: `5-12`, or `5`. */
export function barsText(first, behind) {
  return behind - first > 1 ? `${first + 1}-${behind}` : `${first + 1}`;
}

/** Minutes and seconds, `1:04`. */
export function clockText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function clamped(value, low, high) {
  return Math.max(low, Math.min(value, high));
}
