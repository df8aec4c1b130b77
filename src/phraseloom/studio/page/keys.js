/**
 * Which command a key means, given where the focus is. Pure: the page tells what has the focus and runs the command.
 *
 * Letters and digits act only while the timeline has the focus (WCAG 2.1.4), and Space plays unless the focused control
 * has a use for it.
 */

/** Where the focus can be. */
export const Focus = Object.freeze({
  TEXT: "text", // a text field or select: keys belong to it
  CONTROL: "control", // a button
  TIMELINE: "timeline", // the grid of cells
  FORM: "form", // the section chips
  DIALOG: "dialog", // anything in an open dialog
  PAGE: "page",
});

const TIMELINE_KEYS = {
  l: "lock",
  r: "take",
  x: "compare",
  m: "mute",
  s: "solo",
  0: "audition-0",
  1: "audition-1",
  2: "audition-2",
  3: "audition-3",
  Enter: "keep",
  Escape: "discard",
};
const FORM_KEYS = { F2: "rename", Delete: "remove-section" };
const WITH_MODIFIER = { Enter: "weave", z: "undo", y: "redo" };

/**
 * @param {{key: string, ctrlKey: boolean, metaKey: boolean, shiftKey: boolean, altKey: boolean}} event
 * @param {string} focus - one of `Focus`.
 * @param {boolean} byKeyboard - what has the focus was reached by keyboard, so that Space and Enter belong to it.
 * @returns {string | null} the command's name.
 */
export function commandOf(event, focus, byKeyboard = true) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (focus === Focus.DIALOG) return null;
  if (event.ctrlKey || event.metaKey) return withModifier(key, event.shiftKey, focus);
  if (focus === Focus.TEXT) return null;
  if (key === " " && !(byKeyboard && [Focus.CONTROL, Focus.FORM].includes(focus))) return "play";
  if (key === "?") return "help";
  if (event.altKey && focus === Focus.FORM) return { ArrowLeft: "move-left", ArrowRight: "move-right" }[key] ?? null;
  if (event.shiftKey && focus === Focus.FORM) return { ArrowLeft: "shorten", ArrowRight: "lengthen" }[key] ?? null;
  if (event.altKey) return null;
  if (focus === Focus.TIMELINE) return TIMELINE_KEYS[key] ?? null;
  if (focus === Focus.FORM) return FORM_KEYS[key] ?? null;
  return key === "Escape" ? "discard" : null;
}

function withModifier(key, hasShift, focus) {
  if (key === "d") return focus === Focus.FORM ? "duplicate-section" : null;
  if (focus === Focus.TEXT && key !== "Enter") return null; // text fields have an undo of their own
  if (key === "z" && hasShift) return "redo";
  return WITH_MODIFIER[key] ?? null;
}
