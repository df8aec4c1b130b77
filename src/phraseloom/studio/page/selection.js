/**
 * What is selected: a rectangle of cells, given by the cell where it began (the anchor) and the one where it ends (the
 * focus, which the keyboard moves). Bars and tracks are counted from 0. A selection is frozen; moving it gives another.
 */

export class Selection {
  constructor(anchor, focus = anchor) {
    this.anchor = Object.freeze({ ...anchor });
    this.focus = Object.freeze({ ...focus });
    Object.freeze(this);
  }

  /** Of a run of bars in some neighbouring tracks. */
  static of(firstBar, behindBar, firstTrack, behindTrack) {
    return new Selection({ bar: firstBar, track: firstTrack }, { bar: behindBar - 1, track: behindTrack - 1 });
  }

  get firstBar() {
    return Math.min(this.anchor.bar, this.focus.bar);
  }

  /** The bar behind the last. */
  get behindBar() {
    return Math.max(this.anchor.bar, this.focus.bar) + 1;
  }

  get firstTrack() {
    return Math.min(this.anchor.track, this.focus.track);
  }

  get behindTrack() {
    return Math.max(this.anchor.track, this.focus.track) + 1;
  }

  get numBars() {
    return this.behindBar - this.firstBar;
  }

  holds(bar, track) {
    return this.firstBar <= bar && bar < this.behindBar && this.firstTrack <= track && track < this.behindTrack;
  }

  /** All cells, bar by bar within a track. */
  cells() {
    const cells = [];
    for (let track = this.firstTrack; track < this.behindTrack; track += 1) {
      for (let bar = this.firstBar; bar < this.behindBar; bar += 1) cells.push({ bar, track });
    }
    return cells;
  }

  /** Stretched from the anchor to another cell. */
  to(cell) {
    return new Selection(this.anchor, cell);
  }

  /** The focus moved within a song of `numBars` and `numTracks`; the anchor goes along unless `stretch`. */
  moved(bars, tracks, numBars, numTracks, { stretch = false } = {}) {
    const focus = {
      bar: Math.max(0, Math.min(this.focus.bar + bars, numBars - 1)),
      track: Math.max(0, Math.min(this.focus.track + tracks, numTracks - 1)),
    };
    return stretch ? this.to(focus) : new Selection(focus);
  }

  /** Cut to a song of `numBars` and `numTracks`. */
  within(numBars, numTracks) {
    const cut = ({ bar, track }) => ({ bar: Math.min(bar, numBars - 1), track: Math.min(track, numTracks - 1) });
    return new Selection(cut(this.anchor), cut(this.focus));
  }
}
