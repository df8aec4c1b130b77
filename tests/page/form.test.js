import assert from "node:assert/strict";
import { test } from "node:test";

import * as form from "../../src/phraseloom/studio/page/form.js";

const song = (text) => form.parseForm(text).map((section, index) => ({ ...section, id: index + 1, name: null }));
const SONG = song("i2 A4 B3");
const shown = (sections, entries) => form.formatForm(form.preview(sections, entries));

test("a form prints as it was read", () => {
  assert.equal(form.formatForm(form.parseForm("i4 A8-A8,B8o4")), "i4 A8 A8 B8 o4");
  for (const text of ["", "A0", "A129", "A64 B65", "4A", "A8 ?"]) assert.deepEqual(form.parseForm(text), [], text);
});

test("sections stand one behind the other", () => {
  assert.deepEqual(form.startBars(SONG), [0, 2, 6]);
  assert.equal(form.numBars(SONG), 9);
  assert.deepEqual([0, 1, 2, 8, 9].map((bar) => form.sectionAt(SONG, bar)), [0, 0, 1, 2, -1]);
});

test("another length for one section, the others as they are", () => {
  assert.deepEqual(form.resized(SONG, 1, 6), [{ id: 1 }, { id: 2, num_bars: 6 }, { id: 3 }]);
  assert.equal(shown(SONG, form.resized(SONG, 1, 6)), "i2 A6 B3");
  assert.equal(shown(SONG, form.resized(SONG, 1, -3)), "i2 A1 B3");
});

test("no song grows beyond 128 bars", () => {
  assert.equal(form.numBars(form.preview(SONG, form.resized(SONG, 1, 500))), form.MAX_BARS);
  const long = song("A100");
  assert.deepEqual(form.duplicated(long, 0), form.kept(long));
  assert.deepEqual(form.appended(long, "B", 29), form.kept(long));
  assert.equal(shown(long, form.appended(long, "B", 28)), "A100 B28");
});

test("a section moves among the others and stops at the ends", () => {
  assert.equal(shown(SONG, form.moved(SONG, 2, 0)), "B3 i2 A4");
  assert.equal(shown(SONG, form.moved(SONG, 0, 1)), "A4 i2 B3");
  assert.equal(shown(SONG, form.moved(SONG, 2, 9)), "i2 A4 B3");
  assert.equal(shown(SONG, form.moved(SONG, 0, -1)), "i2 A4 B3");
});

test("a duplicate stands behind its section", () => {
  assert.deepEqual(form.duplicated(SONG, 0), [{ id: 1 }, { copy_of: 1 }, { id: 2 }, { id: 3 }]);
});

test("the last section stays", () => {
  assert.equal(shown(SONG, form.removed(SONG, 1)), "i2 B3");
  assert.deepEqual(form.removed(song("A4"), 0), [{ id: 1 }]);
});

test("a name goes to all sections of the letter and leaves the letter alone", () => {
  const verses = song("A4 B4 A4");
  assert.deepEqual(form.renamed(verses, 2, " Pre-chorus "), [{ id: 1, name: "Pre-chorus" }, { id: 2 }, { id: 3, name: "Pre-chorus" }]);
  assert.deepEqual(form.renamed(verses, 1, "  ")[1], { id: 2, name: null });
});

test("another letter brings that letter's name", () => {
  const named = SONG.with(1, { ...SONG[1], name: "Strophe" });
  assert.deepEqual(form.relettered(named, 2, "A")[2], { id: 3, letter: "A", name: "Strophe" });
});

test("a typed form takes the sections of its letters in order", () => {
  const typed = form.retyped(song("A2 B2 A2"), form.parseForm("A3 A2 C1 B1"));
  assert.deepEqual(typed, [{ id: 1, num_bars: 3 }, { id: 3, num_bars: 2 }, { letter: "C", num_bars: 1 }, { id: 2, num_bars: 1 }]);
});

test("the next letter is one that is free", () => {
  assert.equal(form.freeLetter(song("A4 C4 i2")), "B");
});
