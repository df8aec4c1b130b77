/**
 * What was found in a MIDI file, and what is to become of it: which of its tracks stand for which of the model's, which
 * bars, key, tempo and form. It also says here what cannot be done, before anything is tried.
 */

import { byId, element } from "./dom.js";
import { MAX_BARS } from "./form.js";
import { nameOf } from "./mixer.js";
import { sentence } from "./problems.js";
import { clockText } from "./timeline.js";

const CANVAS_HEIGHT_PX = 18;
const CANVAS_WIDTH_PX = 150;
const SOURCES = { "key signature": "as the file says", notes: "as the notes suggest", markers: "as the file's markers say" };

/**
 * Opens the dialog.
 *
 * @param {object} upload - as the service describes it.
 * @param {object} model
 * @param {(members: object, isWoven: boolean) => void} accept - given the members for `POST /api/songs`.
 */
export function showUpload(upload, model, accept) {
  const dialog = byId("upload-dialog");
  const fields = upload.has_recipe ? null : fieldsOf(upload, model);
  const finish = (isWoven) => {
    if (![...dialog.querySelectorAll("input")].every((input) => input.reportValidity())) return;
    dialog.close();
    accept(fields ? membersOf(upload, model, fields) : { upload: upload.id }, isWoven);
  };
  const isRefused = isWrongMeter(upload);
  const button = (text, attributes, action) => element("button", { type: "button", ...attributes, on: { click: action } }, text);
  const actions = upload.has_recipe
    ? [button("Restore it", { class: "primary" }, () => finish(false))]
    : [
        button("Open as it is", { disabled: isRefused }, () => finish(false)),
        button("Weave the rest", { class: "primary", disabled: isRefused }, () => finish(true)),
      ];
  dialog.replaceChildren(
    element("h2", { id: "upload-title" }, upload.title || upload.name || "A MIDI file"),
    element("p", { class: "faint" }, factsText(upload)),
    ...noticesOf(upload),
    ...(fields ? [tracksTable(upload), ...rowsOf(upload, model, fields)] : []),
    element("div", { class: "row end" }, button("Cancel", {}, () => dialog.close()), ...actions),
  );
  dialog.showModal();
}

function isWrongMeter({ meters }) {
  return meters.some((meter) => meter.name !== "4/4");
}

function factsText({ num_bars: numBars, duration_seconds: seconds, meters, num_tempo_changes: changes }) {
  const names = [...new Set(meters.map((meter) => meter.name))].join(", ");
  const facts = [`${numBars} bars`, clockText(seconds), names, changes ? `${changes} changes of tempo` : null];
  return facts.filter(Boolean).join(" · ");
}

/** What cannot be done with the file, what was odd in it, and whether it is one of the studio's own. */
function noticesOf({ obstacles, warnings, has_recipe: hasRecipe, weights_match: isSameWeights }) {
  const own = isSameWeights ? "Plan, seed and locks come back as they were." : "Plan and locks come back; it was woven with other weights, so its seed gives other notes now.";
  return [
    ...obstacles.map(({ detail, remedy }) => element("p", { class: "obstacle" }, `${sentence(detail)} ${sentence(remedy)}`)),
    hasRecipe ? element("p", {}, `This is a song of the studio. ${own}`) : null,
    warnings.length ? element("details", {}, element("summary", {}, `${warnings.length} remarks on the file`), ...warnings.map((text) => element("p", { class: "note" }, sentence(text)))) : null,
  ].filter(Boolean);
}

function fieldsOf(upload, model) {
  const fits = upload.num_bars <= MAX_BARS;
  const number = (id, attributes) => element("input", { type: "number", id, required: true, ...attributes });
  return {
    roles: model.tracks.map((slot) => roleSelect(slot, upload)),
    form: element("input", { type: "text", id: "upload-form", value: upload.form ?? "", disabled: !fits, spellcheck: "false" }),
    key: element("input", { type: "text", id: "upload-key", value: upload.key ?? "C major", required: true, spellcheck: "false" }),
    tempo: number("upload-tempo", { value: upload.tempo_bpm, min: 10, max: 600, step: 0.01 }),
    first: number("upload-first", { value: 1, min: 1, max: upload.num_bars }),
    last: number("upload-last", { value: Math.min(upload.num_bars, MAX_BARS), min: 1, max: upload.num_bars }),
    keepsOthers: element("input", { type: "checkbox", id: "upload-others" }),
  };
}

function roleSelect(slot, { tracks, roles }) {
  const options = tracks
    .filter((track) => track.is_drum === slot.is_drum)
    .map((track) => element("option", { value: track.number, selected: track.number === roles[slot.name] }, `${track.number} ${track.name || track.instrument}`));
  return element("select", { id: `upload-role-${slot.name}` }, element("option", { value: "" }, "to be woven"), ...options);
}

/** The file's tracks, each with a picture of how busy its bars are. */
function tracksTable({ tracks }) {
  const rows = tracks.map((track) =>
    element(
      "tr",
      {},
      element("td", {}, String(track.number)),
      element("th", { scope: "row" }, track.name || "(no name)"),
      element("td", {}, track.is_drum ? "Drums" : track.instrument),
      element("td", {}, busyPicture(track)),
      element("td", {}, `${track.num_notes} notes`),
    ),
  );
  return element("table", {}, element("caption", { class: "visually-hidden" }, "Tracks of the file"), element("tbody", {}, ...rows));
}

function busyPicture({ notes_per_bar: perBar }) {
  const canvas = element("canvas", { width: CANVAS_WIDTH_PX, height: CANVAS_HEIGHT_PX, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  const most = perBar.reduce((a, b) => Math.max(a, b), 1);
  context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--accent");
  perBar.forEach((count, bar) => {
    const heightPx = (count / most) * CANVAS_HEIGHT_PX;
    context.fillRect((bar / perBar.length) * CANVAS_WIDTH_PX, CANVAS_HEIGHT_PX - heightPx, Math.max(1, CANVAS_WIDTH_PX / perBar.length - 1), heightPx);
  });
  return canvas;
}

function rowsOf(upload, model, fields) {
  const row = (text, control, note = "") => element("tr", {}, element("th", { scope: "row" }, element("label", { for: control.id }, text)), element("td", {}, control, note && element("span", { class: "note" }, ` ${note}`)));
  const roles = model.tracks.map((slot, index) => row(nameOf(slot), fields.roles[index]));
  const bars = element("td", {}, fields.first, " to ", fields.last);
  return [
    element("h3", {}, "Which track is what"),
    element("table", {}, element("tbody", {}, ...roles)),
    element("div", { class: "row" }, element("label", {}, fields.keepsOthers, "Keep the file's other tracks as they are")),
    element("h3", {}, "What was found; change it where it is wrong"),
    element(
      "table",
      {},
      element(
        "tbody",
        {},
        row("Form", fields.form, SOURCES[upload.form_source]),
        row("Key", fields.key, SOURCES[upload.key_source]),
        row("Tempo, bpm", fields.tempo),
        element("tr", {}, element("th", { scope: "row" }, element("label", { for: "upload-first" }, "Bars")), bars),
      ),
    ),
  ];
}

/** Only what differs from what was found is sent: the service knows the rest better than a text can say it. */
function membersOf(upload, model, { roles, form, key, tempo, first, last, keepsOthers }) {
  const given = model.tracks.map((slot, index) => [slot.name, Number(roles[index].value)]).filter(([, number]) => number);
  const members = { upload: upload.id, roles: Object.fromEntries(given), others: keepsOthers.checked ? "keep" : "drop" };
  const isCut = first.valueAsNumber !== 1 || last.valueAsNumber !== upload.num_bars;
  if (isCut) Object.assign(members, { first_bar: first.valueAsNumber, last_bar: last.valueAsNumber });
  if (!isCut && form.value.trim() && form.value !== upload.form) members.form = form.value;
  if (key.value !== upload.key) members.key = key.value;
  if (tempo.valueAsNumber !== upload.tempo_bpm) members.tempo_bpm = tempo.valueAsNumber;
  return members;
}
