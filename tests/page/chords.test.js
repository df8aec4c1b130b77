import assert from "node:assert/strict";
import { test } from "node:test";

import { parseChord } from "../../src/phraseloom/studio/page/chord.js";
import { formatBars, parseBars } from "../../src/phraseloom/studio/page/chord_chart.js";

const tones = (symbol) => parseChord(symbol)?.intervals.join(" ");

test("symbols that mean the same notes are the same chord", () => {
  for (const [one, other] of [["C-", "Cm"], ["C^", "Cmaj7"], ["C°", "Cdim"], ["Co", "Cdim"], ["CM7", "Cmaj7"], ["am", "Am"], ["B♭", "Bb"]]) {
    assert.deepEqual(parseChord(one), parseChord(other), `${one} is ${other}`);
  }
});

test("a capital M is major, a small one minor", () => {
  assert.equal(tones("CM7"), "0 4 7 11");
  assert.equal(tones("Cm7"), "0 3 7 10");
});

test("chords with their tones", () => {
  const expected = {
    C: "0 4 7", C5: "0 7", C6: "0 4 7 9", "C6/9": "0 2 4 7 9", Csus4: "0 5 7", Co7: "0 3 6 9", Cø: "0 3 6 10", C13: "0 2 4 7 9 10",
    "C7(b9)": "0 1 4 7 10", C7alt: "0 1 3 4 6 8 10", "Cm(maj7)": "0 3 7 11", Cadd9: "0 2 4 7", Cm7b5: "0 3 6 10", "C(no3)": "0 7", "C+": "0 4 8",
  };
  for (const [symbol, intervals] of Object.entries(expected)) assert.equal(tones(symbol), intervals, symbol);
});

test("a bass stands behind a slash", () => {
  assert.deepEqual(parseChord("Am7/G"), { root: 9, intervals: [0, 3, 7, 10], bass: 7 });
  assert.equal(parseChord("Am7/X"), null);
});

test("no chord is one, nonsense is none", () => {
  assert.equal(parseChord("N.C.").root, null);
  for (const text of ["Xyz", "H7", "", "C7(b9", "C15", "Cfoo", "C/"]) assert.equal(parseChord(text), null, text);
});

test("without bar lines each chord is a bar, with them they share it", () => {
  assert.deepEqual(parseBars("C Am F G").bars, ["C", "Am", "F", "G"]);
  assert.deepEqual(parseBars("C | F . G C | Am Am").bars, ["C", "F . G C", "Am"]);
});

test("signs that repeat and hold", () => {
  assert.deepEqual(parseBars("C % F").bars, ["C", "C", "F"]);
  assert.deepEqual(parseBars("C Am x2 F x3").bars.join(), "C,Am,C,Am,F,F,F");
  assert.deepEqual(parseBars("C || F G x2").bars.join(), "C,F,G,F,G");
  assert.deepEqual(parseBars("C | . G").bars, ["C", "C G"]);
});

test("a bad token is pointed at and its neighbours are kept", () => {
  const { bars, tokens } = parseBars("C Xyz F");
  assert.deepEqual(bars, ["C", null, "F"]);
  assert.deepEqual(tokens.map((token) => Boolean(token.problem)), [false, true, false]);
  assert.deepEqual([tokens[1].start, tokens[1].end], [2, 5]);
});

test("what cannot be is said at its place", () => {
  for (const text of ["%", ". C", "x2", "C x0", "C x129", "| C F G |", "C | % F"]) {
    assert.ok(parseBars(text).tokens.some((token) => token.problem), text);
  }
});

test("bars print as text that reads back", () => {
  for (const text of ["C Am F G", "| C G |", "C | F . G C", "C | D | E F"]) {
    assert.deepEqual(parseBars(formatBars(parseBars(text).bars)).bars, parseBars(text).bars);
  }
  assert.equal(formatBars(parseBars("C | F . G C").bars), "C | F . G C");
});
