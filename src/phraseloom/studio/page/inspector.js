/** The column on the right: a problem, takes, the selection, the section, the song, its report; or the history. */

import { byId, rebuild } from "./dom.js";
import { historyPanel } from "./history_panel.js";
import { problemPanel } from "./problem_panel.js";
import { reportPanel } from "./report_panel.js";
import { sectionPanel } from "./section_panel.js";
import { selectionPanel } from "./selection_panel.js";
import { songPanel } from "./song_panel.js";
import { comparisonPanel, takesPanel } from "./takes_panel.js";
import { isTypingIn, onTypingGivenUp } from "./typing.js";

const PANELS = {
  inspector: [problemPanel, takesPanel, comparisonPanel, sectionPanel, selectionPanel, songPanel, reportPanel],
  history: [problemPanel, comparisonPanel, historyPanel],
};
const PARTS = ["song", "takes", "comparison", "selection", "sectionId", "panel", "error", "report", "revisions", "isOnline", "model", "focusedTrack"];

/**
 * Draws the panels that apply. A panel is a function of the state and of what may be done; it returns an element, or null
 * where it has nothing to say.
 *
 * @param {object} actions - `{editor, weaver, auditions, mixer, store}`.
 */
export function startInspector(actions) {
  const inspector = byId("inspector");
  const draw = (state) => {
    if (!state.song || isTypingIn(inspector)) return;
    rebuild(inspector, PANELS[state.panel].map((panel) => panel(state, actions)));
  };
  actions.store.watch(PARTS, draw);
  onTypingGivenUp((field) => inspector.contains(field) && queueMicrotask(() => draw(actions.store.state)));
}
