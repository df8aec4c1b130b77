import assert from "node:assert/strict";
import { test } from "node:test";

import { barOf, pitchRange } from "../../src/phraseloom/studio/page/notes.js";

const tracks = [{ notes: [[0, 12, 60, 80], [47, 30, 64, 80], [48, 12, 67, 80]] }, { notes: [] }];

test("a note belongs to the bar in which it begins", () => {
  assert.deepEqual(tracks[0].notes.map(barOf), [0, 0, 1]);
});

test("the pitches drawn hold all notes and two octaves", () => {
  const { low, high } = pitchRange(tracks);
  assert.ok(low < 60 && high > 67 && high - low >= 24);
  assert.ok(pitchRange([{ notes: [] }]).high > 60);
});
