import assert from "node:assert/strict";
import { test } from "node:test";

import { contrast, inkOn, readable, sectionColours, trackColour } from "../../src/phraseloom/studio/page/palette.js";

test("one colour a letter, greys without vocals", () => {
  const colours = sectionColours([{ letter: "i" }, { letter: "A" }, { letter: "B" }, { letter: "A" }]);
  assert.deepEqual(colours, { i: [128, 134, 146], A: [92, 134, 201], B: [233, 133, 106] });
});

test("tracks keep their colours and come round again", () => {
  assert.deepEqual(trackColour(0), [214, 69, 65]);
  assert.deepEqual(trackColour(8), trackColour(0));
});

test("the names of sections can be read on all their colours", () => {
  const letters = [..."ABCDEFGabcd"].map((letter) => ({ letter }));
  for (const colour of Object.values(sectionColours(letters))) assert.ok(contrast(inkOn(colour), colour) >= 4.5, String(colour));
  assert.equal(contrast([0, 0, 0], [255, 255, 255]), 21);
});

test("the names of tracks can be read on light and on dark", () => {
  for (const dark of [false, true]) {
    const paper = dark ? [38, 46, 77] : [232, 237, 252];
    for (let index = 0; index < 8; index += 1) assert.ok(contrast(readable(trackColour(index, { dark }), paper), paper) >= 4.5);
  }
  assert.deepEqual(readable([0, 0, 0], [255, 255, 255]), [0, 0, 0]);
});
