/**
 * Which field somebody is typing in. An answer of the service that comes meanwhile must not put another text, or another
 * field, in its place: what was typed would be lost without a word.
 */

const TYPED = 'input[type="text"], input[type="number"]';

let typedField = null;
const endListeners = [];

/** Whether somebody is typing in a node: the field itself, or anything that holds it. */
export function isTypingIn(node) {
  return typedField !== null && node.contains(typedField);
}

/** Calls `listener(field)` when a field has been left as it was; fields that were changed tell so by `change`. */
export function onTypingGivenUp(listener) {
  endListeners.push(listener);
}

/** Follows the fields of the page. */
export function startTyping() {
  document.addEventListener("input", ({ target }) => {
    if (target.matches(TYPED)) typedField = target;
  });
  document.addEventListener("change", () => (typedField = null), { capture: true });
  document.addEventListener("focusout", ({ target }) => {
    if (target !== typedField) return;
    typedField = null;
    for (const listener of endListeners) listener(target);
  });
}
