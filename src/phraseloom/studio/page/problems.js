/** What went wrong, where the user looks: in the state for the page, or beside the field that caused it. */

import { Problem, Unreachable } from "./api.js";
import { byId, element, setAttribute } from "./dom.js";

/**
 * Runs an action; a problem that the service tells, or its silence, goes into the state.
 *
 * @param {Store} store
 * @param {() => Promise} action
 * @param {(() => void) | null} retry - what the button Retry does; null for no button.
 * @returns {Promise} what the action returned; undefined where it failed.
 */
export async function attempt(store, action, retry = null) {
  try {
    return await action();
  } catch (error) {
    if (error instanceof Unreachable) store.set({ isOnline: false });
    else if (error instanceof Problem) store.set({ error: { detail: error.detail, remedy: error.remedy, retry } });
    else throw error;
    return undefined;
  }
}

/** Shows a problem under the field that caused it, tied to it for screen readers; null takes it away. */
export function showFieldProblem(field, problem) {
  const id = `${field.id}-problem`;
  byId(id)?.remove();
  setAttribute(field, "aria-invalid", problem ? "true" : null);
  setAttribute(field, "aria-describedby", problem ? id : null);
  if (!problem) return;
  const message = element("p", { id, class: "field-problem", role: "alert" }, sentence(problem.detail), " ", sentence(problem.remedy));
  field.after(message);
}

/** A message of the service as a sentence. */
export function sentence(text) {
  const ended = /[.!?]$/.test(text) ? text : `${text}.`;
  return ended[0].toUpperCase() + ended.slice(1);
}
