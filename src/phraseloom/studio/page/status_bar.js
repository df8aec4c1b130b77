/** The line at the bottom, announced to screen readers, with progress and cancel; and the banner for a silent service. */

import { byId, element } from "./dom.js";
import { pageState, shownRevision } from "./selectors.js";
import { progressText, restingText } from "./words.js";

const ANNOUNCE_EVERY = 0.2;
const SOUND_TEXTS = { loading: "Rendering the sound…", unavailable: "No sound: this installation cannot render it.", none: "", ready: "" };

/** Shows what is going on. */
export function startStatusBar(store, { weaver }) {
  let announcedShare = 0;
  byId("cancel").addEventListener("click", () => store.state.jobs.forEach((job) => weaver.cancel(job.id)));
  store.watch(["jobs", "status", "error", "isOnline", "song", "takes", "comparison"], (state) => {
    const [job] = state.jobs;
    document.body.dataset.state = pageState(state);
    document.body.dataset.notesHash = shownRevision(state)?.notes_hash ?? "";
    byId("progress").hidden = byId("cancel").hidden = !job;
    byId("progress").value = job?.share ?? 0;
    const share = job ? Math.floor((job.share ?? 0) / ANNOUNCE_EVERY) : 0;
    const isNews = !job || share !== announcedShare || !byId("status").textContent.startsWith("Weaving");
    announcedShare = share;
    if (isNews) byId("status").textContent = job ? progressText(job) : state.status || restingText(state);
  });
  store.watch(["sound"], ({ sound }) => {
    byId("hint").textContent = SOUND_TEXTS[sound];
    document.body.dataset.sound = sound;
  });
  store.watch(["isOnline"], ({ isOnline }) => drawBanner(isOnline));
}

function drawBanner(isOnline) {
  const banner = byId("banner");
  banner.hidden = isOnline;
  const text = " You can play, undo and save the MIDI that is at hand. Weaving and editing wait until it is back; the page tries again by itself.";
  banner.replaceChildren(...(isOnline ? [] : [element("strong", {}, "The service does not answer."), text]));
}
