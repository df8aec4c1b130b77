import assert from "node:assert/strict";
import { test } from "node:test";

import { Timeline, barsText, clockText, placeText } from "../../src/phraseloom/studio/page/timeline.js";

const line = new Timeline({ numBars: 10, barPx: 40, tempos: [[0, 120]] });

test("pixels and ticks are each other's inverse inside the song", () => {
  for (const tick of [0, 1, 47, 48, 123, 480]) assert.ok(Math.abs(line.tickAt(line.xOfTick(tick)) - tick) < 1e-9);
});

test("a steady tempo", () => {
  assert.equal(line.secondsOf(48), 2);
  assert.equal(line.durationSeconds, 20);
});

test("a change of tempo counts from where it stands", () => {
  const slowing = new Timeline({ numBars: 4, barPx: 40, tempos: [[0, 120], [48, 60]] });
  assert.equal(slowing.secondsOf(24), 1);
  assert.equal(slowing.secondsOf(96), 6);
  for (const tick of [0, 24, 48, 77, 192]) assert.ok(Math.abs(slowing.tickOf(slowing.secondsOf(tick)) - tick) < 1e-9);
});

test("a pixel outside the song is at its edge", () => {
  assert.equal(line.tickAt(-5), 0);
  assert.equal(line.tickAt(9999), 480);
  assert.equal(line.barAt(9999), 9);
  assert.equal(line.barAt(39), 0);
  assert.equal(line.barAt(40), 1);
});

test("distances in bars are rounded, beyond the end too", () => {
  assert.equal(line.barsFrom(10, 559), 4);
  assert.equal(line.barsFrom(10, 241), -4);
});

test("places, bars and clock as users read them", () => {
  assert.equal(placeText(0), "1.1");
  assert.equal(placeText(4 * 48 + 36), "5.4");
  assert.equal(barsText(4, 12), "5-12");
  assert.equal(barsText(4, 5), "5");
  assert.equal(clockText(64.9), "1:04");
});
