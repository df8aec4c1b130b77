/** MIDI files that are dropped on the page or chosen: handed to the service, then shown in a dialog. */

import { byId } from "./dom.js";
import { attempt } from "./problems.js";
import { showUpload } from "./upload_dialog.js";

/**
 * Wires dropping and choosing.
 *
 * @param {object} actions - `open(song)` shows a song, `weaver` weaves it.
 * @returns {() => void} asks for a file.
 */
export function startUploads(store, api, { open, weaver }) {
  const input = byId("file");
  const receive = async (file) => {
    const upload = await attempt(store, () => api.upload(file), () => input.click());
    if (upload) showUpload(upload, store.state.model, (members, isWoven) => accept(members, isWoven));
  };
  const accept = async (members, isWoven) => {
    const song = await attempt(store, () => api.createSong(members));
    if (!song) return;
    open(song);
    if (isWoven) await weaver.weave();
  };
  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = "";
    if (file) receive(file);
  });
  byId("open-file").addEventListener("click", () => input.click());
  listenForDrops(receive);
  return () => input.click();
}

function listenForDrops(receive) {
  const isFile = (event) => event.dataTransfer?.types.includes("Files");
  const markDropping = (isDropping) => document.body.classList.toggle("is-dropping", isDropping);
  document.addEventListener("dragover", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    markDropping(true);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget ?? markDropping(false));
  document.addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    markDropping(false);
    const [file] = event.dataTransfer.files;
    if (file) receive(file);
  });
}
