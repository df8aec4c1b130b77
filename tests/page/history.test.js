import assert from "node:assert/strict";
import { test } from "node:test";

import { nearby, redone, undone } from "../../src/phraseloom/studio/page/history.js";

const repeated = (line, step, times) => Array.from({ length: times }).reduce((before) => step(before), line);

test("ten undos lead to the start, ten redos to the end", () => {
  const line = { undo: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], head: 10, redo: [] };
  const start = repeated(line, undone, 10);
  assert.deepEqual(start, { undo: [], head: 0, redo: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] });
  assert.deepEqual(repeated(start, redone, 10), line);
});

test("there is no step beyond an end", () => {
  const line = { undo: [], head: 7, redo: [] };
  assert.equal(undone(line), null);
  assert.equal(redone(line), null);
});

test("the revisions near by, the nearest first", () => {
  assert.deepEqual(nearby({ undo: [1, 2, 3], redo: [5] }, 2), [3, 5, 2]);
});
