import assert from "node:assert/strict";
import { test } from "node:test";

import { Selection } from "../../src/phraseloom/studio/page/selection.js";

test("a selection stretches either way from its anchor", () => {
  const selection = new Selection({ bar: 5, track: 2 }).to({ bar: 3, track: 1 });
  assert.deepEqual([selection.firstBar, selection.behindBar, selection.firstTrack, selection.behindTrack], [3, 6, 1, 3]);
  assert.equal(selection.cells().length, 6);
  assert.ok(selection.holds(4, 1));
  assert.ok(!selection.holds(6, 1));
});

test("moving without stretching selects one cell", () => {
  const moved = Selection.of(0, 4, 0, 2).moved(1, 0, 10, 3);
  assert.deepEqual(moved.cells(), [{ bar: 4, track: 1 }]);
});

test("moving stops at the song's edges", () => {
  const corner = new Selection({ bar: 9, track: 2 });
  assert.deepEqual(corner.moved(5, 5, 10, 3).focus, { bar: 9, track: 2 });
  assert.deepEqual(corner.moved(-99, -99, 10, 3, { stretch: true }).cells().length, 30);
});

test("a shorter song cuts the selection", () => {
  assert.deepEqual(Selection.of(4, 12, 0, 3).within(8, 2).focus, { bar: 7, track: 1 });
});
