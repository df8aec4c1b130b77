/** Keys of the whole page: finds out where the focus is, and runs the command that a key means there. */

import { byId } from "./dom.js";
import { duplicated, moved, removed } from "./form.js";
import { Focus, commandOf } from "./keys.js";
import { lockChange } from "./selection_panel.js";

const TEXT_FIELDS = 'input:not([type="range"], [type="button"]), select, textarea';
const MOVED = { "move-left": -1, "move-right": 1 };

/** Listens for the keys of the page. */
export function startKeyboard({ store, editor, weaver, auditions, playback, mixer, formStrip }) {
  const section = (change) => sectionCommand(store, editor, formStrip, change);
  const focusedTrack = () => store.state.focusedTrack;
  const commands = {
    play: () => playback.toggle(),
    weave: () => weaver.weave(),
    undo: () => editor.undo(),
    redo: () => editor.redo(),
    help: () => byId("help-dialog").showModal(),
    take: () => auditions.draw(),
    keep: () => auditions.keep(),
    discard: () => auditions.discard(),
    compare: () => auditions.flip(),
    mute: () => mixer.toggleMute(focusedTrack()),
    solo: () => mixer.toggleSolo(focusedTrack()),
    lock: () => store.state.selection && editor.change(() => ({ locks: [lockChange(store.state)] })),
    rename: () => formStrip.rename(formStrip.focusedIndex),
    "duplicate-section": () => section((sections, index) => duplicated(sections, index)),
    "remove-section": () => section((sections, index) => removed(sections, index)),
    ...Object.fromEntries([0, 1, 2, 3].map((place) => [`audition-${place}`, () => auditions.choose(place)])),
    ...Object.fromEntries(Object.entries(MOVED).map(([name, by]) => [name, () => section((all, index) => moved(all, index, index + by))])),
    shorten: () => formStrip.nudge(-1),
    lengthen: () => formStrip.nudge(1),
  };
  document.addEventListener("keydown", (event) => {
    const command = commandOf(event, focusOf(event.target), event.target.matches?.(":focus-visible") ?? false);
    if (!command || !store.state.song) return;
    event.preventDefault();
    commands[command]();
  });
  document.addEventListener("keyup", (event) => {
    const isTaken = event.key === " " && commandOf(event, focusOf(event.target), event.target.matches?.(":focus-visible") ?? false) === "play";
    if (isTaken) event.preventDefault(); // a button would be clicked when Space is let go
  });
}

function focusOf(target) {
  if (target.closest?.("dialog, .floating")) return Focus.DIALOG;
  if (target.matches?.(TEXT_FIELDS)) return Focus.TEXT;
  if (target.closest?.("#grid")) return Focus.TIMELINE;
  if (target.closest?.(".chip")) return Focus.FORM;
  return target.matches?.("button, a, summary") ? Focus.CONTROL : Focus.PAGE;
}

/** Changes the section whose chip had the focus when the key was pressed. */
function sectionCommand(store, editor, formStrip, entriesOf) {
  const { id } = store.state.song.revision.sections[formStrip.focusedIndex];
  return editor.change(({ revision }) => {
    const index = revision.sections.findIndex((section) => section.id === id);
    return index < 0 ? {} : { sections: entriesOf(revision.sections, index) };
  });
}
