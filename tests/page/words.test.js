import assert from "node:assert/strict";
import { test } from "node:test";

import * as words from "../../src/phraseloom/studio/page/words.js";

test("what runs is said with its bars and share", () => {
  const job = { state: "running", operation: "infill", count: 3, cells: ["000000000000", "000011111111"], share: 0.4, doing: "sampling" };
  assert.equal(words.progressText(job), "Weaving 3 takes of bars 5-12, 40 %");
  assert.equal(words.progressText({ ...job, operation: "generate", count: 1, share: 0 }), "Weaving the song, 0 %");
  assert.equal(words.progressText({ ...job, state: "queued", queue_place: 3 }), "Waiting; 2 before this one");
});

test("where nothing happens, the line says what can be done", () => {
  const song = (cells) => ({ revision: { tracks: [{ cells }] } });
  assert.match(words.restingText({ song: song("...."), isOnline: true }), /Weave a song/);
  assert.match(words.restingText({ song: song("##.."), isOnline: true }), /new takes/);
  assert.equal(words.restingText({ song: song("...."), isOnline: false }), "");
});

test("a job that writes nothing here has no bars", () => {
  assert.equal(words.writtenBars(["0000", "0000"]), null);
  assert.equal(words.targetText("infill", ["0100"]), "bar 2");
});

test("differences and the report in words", () => {
  assert.equal(words.differenceText({ added: 17, removed: 12 }), "17 added, 12 removed");
  assert.deepEqual(words.reportRow({ name: "chords", asked: 1, got: 0.834 }), { name: "Beats that fit their chord", asked: "100 %", got: "83 %" });
  assert.deepEqual(words.reportRow({ name: "some_thing", asked: null, got: 3 }), { name: "some thing", asked: "–", got: "3" });
});

test("the originality line is there with and without a reference", () => {
  assert.match(words.originalityText(null), /not measured/);
  const told = { longest_match_notes: 9, bars: "3-5", usual_median_notes: 7, usual_95th_percentile_notes: 9.5 };
  assert.match(words.originalityText(told), /: 9 notes of the melody, bars 3-5\. .*half have up to 7 and 95 of 100 up to 9\.5\.$/);
  const nothing = { longest_match_notes: 0, bars: null, usual_median_notes: null, usual_95th_percentile_notes: null };
  assert.equal(words.originalityText(nothing), "Longest match to the training music: none.");
});
