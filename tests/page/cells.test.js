import assert from "node:assert/strict";
import { test } from "node:test";

import * as cells from "../../src/phraseloom/studio/page/cells.js";
import { Selection } from "../../src/phraseloom/studio/page/selection.js";

const track = (text, locked = "0".repeat(text.length), more = {}) => ({ name: "PIANO", cells: text, locked, is_writable: true, ...more });

test("a song without music is generated", () => {
  assert.equal(cells.weaveAction([track("...."), track("....")]), "generate");
});

test("empty and stale cells are gaps, locked and foreign ones are not", () => {
  assert.equal(cells.weaveAction([track("##=#")]), "gaps");
  assert.equal(cells.weaveAction([track("##.#", "0010")]), "another");
  assert.equal(cells.weaveAction([track("####"), track("....", "0000", { is_writable: false })]), "another");
});

test("cells are counted by kind", () => {
  const found = cells.counts([track("#=.#", "1000"), track("....", "0000", { is_writable: false })]);
  assert.deepEqual(found, { locked: 1, fresh: 2, stale: 1, empty: 5, open: 3 });
});

test("a cell is told with its section, bars, track, state and lock", () => {
  const section = { shown_name: "Chorus", letter: "B" };
  assert.equal(cells.cellLabel(section, track("....####", "00001111"), 4, 8), "Chorus B, bars 5-8, piano, fresh, locked");
  assert.equal(cells.cellLabel(section, track("#=", "01"), 0, 2), "Chorus B, bars 1-2, piano, fresh and stale, partly locked");
  assert.equal(cells.cellLabel(section, track("."), 0, 1), "Chorus B, bar 1, piano, empty");
});

test("a selection is sent with bars from 1, both ends in", () => {
  const tracks = [{ name: "MELODY" }, { name: "BRIDGE" }, { name: "PIANO" }];
  assert.deepEqual(cells.rectangleOf(Selection.of(4, 12, 1, 3), tracks), { first_bar: 5, last_bar: 12, tracks: ["BRIDGE", "PIANO"] });
});
