/**
 * The chords of a section's bars while they are typed: what each token means, and which of them mean nothing.
 *
 * Without any `|` each chord lasts a bar; with `|`, the chords of a bar share it (1, 2 or 4). `.` holds the chord before,
 * `%` repeats the bar before, `x2` the bars from the last `||` or repeat on. A bar is a text as the service
 * takes it, `C` or `F . G C`; null where what was typed there means nothing. The grammar is that of
 * `phraseloom.chord_chart`.
 */

import { parseChord } from "./chord.js";

const TOKEN = /\|+|[xX×]\s*[0-9]+(?![^\s,|])|(?:\([^()|]*\)|[^\s,|])+/g;
const REPEAT = /^[xX×]\s*([0-9]+)$/;
const SHARES = [1, 2, 4];
const MAX_BARS = 128;

/**
 * Reads the chords of one section.
 *
 * @param {string} text
 * @returns {{bars: (string|null)[], tokens: {start: number, end: number, text: string, problem: ?string}[]}} tokens
 *   with their place in the text; `problem` says what is wrong with one, null where nothing is.
 */
export function parseBars(text) {
  const tokens = [...text.matchAll(TOKEN)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
    text: match[0],
    problem: null,
  }));
  const reader = new BarReader(tokens.some((token) => token.text === "|"));
  for (const token of tokens) reader.read(token);
  reader.closeBar();
  return { bars: reader.bars.map((symbols) => symbols && barText(symbols)), tokens };
}

class BarReader {
  constructor(hasBarLines) {
    this.hasBarLines = hasBarLines;
    this.bars = [];
    this.openBar = [];
    this.repeatFrom = 0;
  }

  read(token) {
    const repeat = REPEAT.exec(token.text);
    if (token.text.startsWith("|")) {
      this.closeBar();
      if (token.text !== "|") this.repeatFrom = this.bars.length;
    } else if (repeat) {
      this.closeBar();
      this.repeat(Number(repeat[1]), token);
    } else {
      this.openBar.push(token);
      if (!this.hasBarLines) this.closeBar();
    }
  }

  closeBar() {
    const tokens = this.openBar;
    this.openBar = [];
    if (tokens.length) this.bars.push(tokens.some((token) => token.text === "%") ? this.barBefore(tokens) : this.shares(tokens));
  }

  barBefore(tokens) {
    if (tokens.length > 1) return refuse(tokens, "% stands for a whole bar; give it a bar of its own");
    if (!this.bars.length) return refuse(tokens, "there is no bar before this % to repeat");
    return this.bars.at(-1);
  }

  shares(tokens) {
    if (!SHARES.includes(tokens.length)) return refuse(tokens, `${tokens.length} chords cannot share a bar; write 1, 2 or 4`);
    let before = this.bars.at(-1)?.at(-1) ?? null;
    const symbols = [];
    for (const token of tokens) {
      if (token.text !== ".") {
        if (!parseChord(token.text)) token.problem = `“${token.text}” is no chord; write one such as C, Am7/G, F#dim or N.C.`;
        before = capitalised(token.text);
      } else if (before === null) {
        token.problem = "there is no chord before this . to hold";
      }
      symbols.push(before);
    }
    return tokens.some((token) => token.problem) ? null : withFewest(symbols);
  }

  repeat(times, token) {
    const repeated = this.bars.slice(this.repeatFrom);
    if (!repeated.length) token.problem = `there is no bar before ${token.text} to repeat`;
    else if (times < 1) token.problem = "bars cannot be played no times";
    else if (this.bars.length + (times - 1) * repeated.length > MAX_BARS) token.problem = `more than ${MAX_BARS} bars`;
    if (token.problem) return;
    for (let time = 1; time < times; time += 1) this.bars.push(...repeated);
    this.repeatFrom = this.bars.length;
  }
}

function refuse(tokens, problem) {
  for (const token of tokens) token.problem = problem;
  return null;
}

function capitalised(symbol) {
  return symbol[0].toUpperCase() + symbol.slice(1);
}

/** The bar with as few symbols as say the same: `C C` is `C`. */
function withFewest(symbols) {
  let bar = symbols;
  while (bar.length > 1 && bar.every((symbol, index) => symbol === bar[index - (index % 2)])) {
    bar = bar.filter((_, index) => index % 2 === 0);
  }
  return bar;
}

/** Bars as one text that `parseBars` reads back: `C Am F G`, or `C | F . G C` where chords share a bar. */
export function formatBars(bars) {
  if (bars.every((bar) => !bar.includes(" "))) return bars.join(" ");
  return bars.length > 1 ? bars.join(" | ") : `| ${bars[0]} |`;
}

function barText(symbols) {
  return symbols.map((symbol, index) => (index && symbol === symbols[index - 1] ? "." : symbol)).join(" ");
}
