import assert from "node:assert/strict";
import { test } from "node:test";

import { Focus, commandOf } from "../../src/phraseloom/studio/page/keys.js";

const press = (text, focus, byKeyboard = true) => {
  const parts = text.split("+");
  const key = parts.pop() || " ";
  const held = (name) => parts.includes(name);
  return commandOf({ key, ctrlKey: held("Ctrl"), metaKey: held("Meta"), shiftKey: held("Shift"), altKey: held("Alt") }, focus, byKeyboard);
};

test("Space plays unless the focused control has a use for it", () => {
  assert.equal(press("", Focus.PAGE), "play");
  assert.equal(press("", Focus.TIMELINE), "play");
  for (const focus of [Focus.TEXT, Focus.CONTROL, Focus.FORM, Focus.DIALOG]) assert.equal(press("", focus), null);
  assert.equal(press("", Focus.CONTROL, false), "play");
  assert.equal(press("", Focus.TEXT, false), null);
});

test("letters and digits act only in the timeline", () => {
  for (const key of ["l", "r", "x", "1", "0"]) {
    assert.notEqual(press(key, Focus.TIMELINE), null);
    for (const focus of [Focus.PAGE, Focus.TEXT, Focus.CONTROL, Focus.FORM]) assert.equal(press(key, focus), null);
  }
});

test("undo and redo, as on every system, but a text field keeps its own", () => {
  assert.equal(press("Ctrl+z", Focus.PAGE), "undo");
  assert.equal(press("Meta+z", Focus.TIMELINE), "undo");
  assert.equal(press("Shift+Ctrl+Z", Focus.PAGE), "redo");
  assert.equal(press("Ctrl+y", Focus.PAGE), "redo");
  assert.equal(press("Ctrl+z", Focus.TEXT), null);
});

test("weaving works from everywhere but a dialog", () => {
  for (const focus of [Focus.TEXT, Focus.CONTROL, Focus.TIMELINE, Focus.PAGE]) assert.equal(press("Ctrl+Enter", focus), "weave");
  assert.equal(press("Ctrl+Enter", Focus.DIALOG), null);
});

test("sections by keyboard", () => {
  const commands = { "Alt+ArrowLeft": "move-left", "Shift+ArrowRight": "lengthen", "Ctrl+d": "duplicate-section", F2: "rename" };
  for (const [keys, command] of Object.entries(commands)) {
    assert.equal(press(keys, Focus.FORM), command);
    assert.equal(press(keys, Focus.PAGE), null);
  }
});
