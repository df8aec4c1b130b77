/** Puts the page together and opens a song: the one of a shared link, the latest, or a new one. */

import { Api } from "./api.js";
import { Auditions } from "./auditions.js";
import { CellGrid } from "./cell_grid.js";
import { startCellCanvas } from "./cell_canvas.js";
import { editChords } from "./chord_editor.js";
import { ChordRow } from "./chord_row.js";
import { byId } from "./dom.js";
import { Editor } from "./editor.js";
import { startEmptyState } from "./empty_state.js";
import { Events } from "./events.js";
import { askExtension } from "./extension.js";
import { FormStrip } from "./form_strip.js";
import { startHeader } from "./header.js";
import { startHistory } from "./history_panel.js";
import { startInspector } from "./inspector.js";
import { startKeyboard } from "./keyboard.js";
import { startLayout } from "./layout.js";
import { Mixer } from "./mixer.js";
import { Playback } from "./playback.js";
import { Player } from "./player.js";
import { Playhead } from "./playhead.js";
import { attempt } from "./problems.js";
import { startReports } from "./report_panel.js";
import { startRoll } from "./roll.js";
import { INITIAL_STATE } from "./selectors.js";
import { recipeIn } from "./share.js";
import { startSongsDialog } from "./songs_dialog.js";
import { Sound } from "./sound.js";
import { startStatusBar } from "./status_bar.js";
import { Store } from "./store.js";
import { startToolbar } from "./toolbar.js";
import { startTyping } from "./typing.js";
import { startUploads } from "./uploads.js";
import { Weaver } from "./weaver.js";

const store = new Store({ ...INITIAL_STATE });
const api = new Api();
const editor = new Editor(store, api);
const weaver = new Weaver(store, api, editor);
const auditions = new Auditions(store, api, editor, weaver);
const playback = new Playback(store, new Player(), new Sound(api));
const mixer = new Mixer(store, editor);
const events = new Events({ event: onEvent, connection: onConnection });

startTyping();
startLayout(store);
const formStrip = new FormStrip(store, editor, (place) => askExtension(store, weaver, place));
const chordRow = new ChordRow(store, openChordEditor);
const cellGrid = new CellGrid(store);
startCellCanvas(store);
startRoll(store, () => cellGrid.focus());
new Playhead(store, playback);
startInspector({ store, editor, weaver, auditions, mixer });
startToolbar(store, { editor, weaver, playback });
startHeader(store, { editor });
startStatusBar(store, { weaver });
startReports(store, api);
startHistory(store, api);
startSongsDialog(store, api, open);
const openFile = startUploads(store, api, { open, weaver });
startEmptyState(store, { editor, openFile });
startKeyboard({ store, editor, weaver, auditions, playback, mixer, formStrip });
byId("help").addEventListener("click", () => byId("help-dialog").showModal());

start();

async function start() {
  await attempt(store, async () => {
    const [model, song] = await Promise.all([api.model(), firstSong()]);
    store.set({ model });
    open(song);
  });
  events.open();
}

async function firstSong() {
  const recipe = recipeIn(location.hash);
  if (recipe) return sharedSong(recipe);
  const { songs } = await api.songs(1);
  return songs.length ? api.song(songs[0].id) : api.createSong();
}

/** A new song after a shared plan; the link is taken out of the address, so that a reload does not make another. */
async function sharedSong({ plan, seed }) {
  window.history.replaceState(null, "", location.pathname);
  const { sections, ...rest } = plan;
  const song = await api.createSong({ ...rest, seed, sections: sections.map(({ letter, num_bars, name }) => ({ letter, num_bars, name })) });
  const chords = song.revision.sections.map(({ id }, index) => ({ section: id, bars: sections[index].chords, same_letter: false }));
  return api.patchSong(song.id, { chords, label: "Chords of the shared plan" });
}

function open(song) {
  editor.show(song);
  weaver.refresh();
}

function openChordEditor({ sectionIndex, offset, bar, anchor }) {
  const section = store.state.song.revision.sections[sectionIndex];
  editChords({ section, offset, bar, anchor }, {
    commit: (change) => editor.change(() => ({ chords: [change] })),
    closed: () => chordRow.focus(bar),
  });
}

async function onEvent(name, data) {
  const { song } = store.state;
  if (name === "model") store.set({ model: data });
  if (name === "reset") await refresh();
  if (!song || data.song !== song.id) return;
  if (name === "song" && data.version > song.version) await editor.refresh();
  weaver.follow(name, data);
  await auditions.follow(name, data);
}

/** Back online: what was done here meanwhile goes there, and what happened there comes here. */
async function onConnection(isOnline) {
  const wasOnline = store.state.isOnline;
  store.set({ isOnline });
  if (!isOnline || wasOnline) return;
  if (store.state.song) await refresh();
  else await start();
}

async function refresh() {
  store.set({ model: (await attempt(store, () => api.model())) ?? store.state.model });
  if (!store.state.song) return;
  await editor.refresh();
  await weaver.refresh();
}
