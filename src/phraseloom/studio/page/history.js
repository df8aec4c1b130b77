/**
 * Stepping through a song's line of revisions without its service: `undo` holds the revisions behind the pointer, the
 * nearest last; `redo` those ahead, the nearest first. Revisions never change, so a step only points elsewhere.
 */

/** The line one step back; null at its start. */
export function undone({ undo, head, redo }) {
  return undo.length ? { undo: undo.slice(0, -1), head: undo.at(-1), redo: [head, ...redo] } : null;
}

/** The line one step ahead; null at its end. */
export function redone({ undo, head, redo }) {
  return redo.length ? { undo: [...undo, head], head: redo[0], redo: redo.slice(1) } : null;
}

/** The revisions that up to `steps` undos and redos lead to, the nearest first: worth having at hand. */
export function nearby({ undo, redo }, steps) {
  const back = undo.slice(-steps).reverse();
  return Array.from({ length: steps }, (_, step) => [back[step], redo[step]])
    .flat()
    .filter((id) => id !== undefined);
}
