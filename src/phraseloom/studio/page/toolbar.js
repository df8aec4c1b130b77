/** The bar under the title: transport, plan, and the one big button. */

import { weaveAction } from "./cells.js";
import { byId, element, icon, setAttribute } from "./dom.js";
import { formatForm, parseForm, retyped } from "./form.js";
import { showFieldProblem } from "./problems.js";
import { whyNotWeave } from "./selectors.js";
import { isTypingIn, onTypingGivenUp } from "./typing.js";

const WEAVE_TEXTS = { generate: "Weave a song", gaps: "Weave the gaps", another: "Weave another" };
const SHARPS = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const PLAN_PROBLEM = { detail: "that is no form", remedy: "write sections as letters with their bars, such as i4 A8 B8 o4; 128 bars at most" };

/** Wires the bar; its fields are changes of the song. */
export function startToolbar(store, { editor, weaver, playback }) {
  startTransport(store, playback);
  startFields(store, editor);
  byId("dice").addEventListener("click", () => weaver.throwDice());
  byId("weave").addEventListener("click", () => weaver.weave());
  byId("another").addEventListener("click", () => weaver.another());
  store.watch(["song", "isOnline", "model", "jobs"], (state) => drawWeave(state));
}

function startTransport(store, playback) {
  byId("play").addEventListener("click", () => playback.toggle());
  byId("to-start").addEventListener("click", () => playback.seek(0));
  byId("loop").addEventListener("click", () => toggleLoop(store));
  store.watch(["isPlaying", "isPlayWanted"], ({ isPlaying, isPlayWanted }) => {
    const button = byId("play");
    button.replaceChildren(icon(isPlaying ? "pause" : "play"));
    setAttribute(button, "aria-label", isPlaying ? "Pause" : "Play");
    setAttribute(button, "aria-busy", isPlayWanted);
  });
  store.watch(["loop"], ({ loop }) => setAttribute(byId("loop"), "aria-pressed", Boolean(loop)));
}

/** Loops the selected bars, or the whole song where none are selected. */
function toggleLoop(store) {
  const { loop, selection, song } = store.state;
  const whole = { firstBar: 0, behindBar: song.revision.num_bars };
  const bars = selection ? { firstBar: selection.firstBar, behindBar: selection.behindBar } : whole;
  store.set({ loop: loop ? null : bars });
}

function startFields(store, editor) {
  const [tempo, key, seed, plan] = ["tempo", "key", "seed", "plan"].map(byId);
  const names = ["major", "minor"].flatMap((mode) => SHARPS.map((tonic) => `${tonic} ${mode}`));
  key.append(...names.map((name) => element("option", { value: name }, name)));
  const send = (field, changesOf) => {
    showFieldProblem(field, null);
    editor.change(changesOf, (problem) => showFieldProblem(field, problem));
  };
  const sendValue = (field, name, value) => send(field, () => ({ [name]: value })); // by then it may show another one
  tempo.addEventListener("change", () => tempo.value && sendValue(tempo, "tempo_bpm", tempo.valueAsNumber));
  seed.addEventListener("change", () => seed.value && sendValue(seed, "seed", seed.valueAsNumber));
  key.addEventListener("change", () => sendValue(key, "key", key.value));
  plan.addEventListener("change", () => {
    const typed = parseForm(plan.value);
    if (typed.length) send(plan, ({ revision }) => ({ sections: retyped(revision.sections, typed) }));
    else showFieldProblem(plan, PLAN_PROBLEM);
  });
  const show = ({ song, isOnline }) => {
    for (const field of [tempo, key, seed, plan]) field.disabled = !isOnline;
    if (!song) return;
    const { revision } = song;
    const values = [[tempo, revision.tempo_bpm], [seed, revision.seed], [plan, formatForm(revision.sections)]];
    for (const [field, value] of values) fill(field, String(value));
    chooseKey(key, revision.key);
  };
  store.watch(["song", "isOnline"], show);
  onTypingGivenUp(() => show(store.state));
}

/** A field shows the song's value, and what was wrong with it is over; what somebody is typing stays. */
function fill(field, value) {
  if (field.value === value || isTypingIn(field)) return;
  field.value = value;
  showFieldProblem(field, null);
}

/** Keys that are spelled in another way than the list's are added to it. */
function chooseKey(field, name) {
  if (name && ![...field.options].some((option) => option.value === name)) field.append(element("option", { value: name }, name));
  field.value = name ?? "";
}

function drawWeave(state) {
  if (!state.song) return;
  const action = weaveAction(state.song.revision.tracks);
  const reason = whyNotWeave(state);
  const [weave, another, reasonText] = ["weave", "another", "weave-reason"].map(byId);
  weave.textContent = WEAVE_TEXTS[action];
  weave.disabled = another.disabled = Boolean(reason);
  another.hidden = action !== "gaps";
  reasonText.textContent = reason;
  reasonText.hidden = !reason;
  setAttribute(weave, "aria-describedby", reason ? "weave-reason" : null);
}
