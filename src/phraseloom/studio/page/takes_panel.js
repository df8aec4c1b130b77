/** The cards of takes to choose from, and the revision that the song is compared with. */

import { NUM_TAKES } from "./auditions.js";
import { element } from "./dom.js";
import { panel } from "./panel.js";
import { barsText } from "./timeline.js";
import { differenceText, timeText } from "./words.js";

const LETTERS = ["A", "B", "C"];

export function takesPanel({ takes, isOnline }, { auditions }) {
  if (!takes) return null;
  const places = Array.from({ length: NUM_TAKES }, (_, index) => index);
  const cards = places.map((index) => {
    const take = takes.list[index];
    if (!take) return takes.isDone ? null : element("div", { class: "card is-waiting" }, `Take ${LETTERS[index]} is being woven`);
    return card(`Take ${LETTERS[index]}`, LETTERS[index], `${differenceText(take.difference)} · seed ${take.seed}`, index + 1, takes, auditions);
  });
  const { region } = takes;
  return panel(
    `Takes of bars ${barsText(region.firstBar, region.behindBar)}`,
    element("div", { class: "cards" }, ...cards, card("Original", "O", "as it is now", 0, takes, auditions)),
    element(
      "div",
      { class: "row" },
      element("button", { type: "button", class: "primary", disabled: !takes.chosen || !isOnline, dataset: { key: "keep" }, on: { click: () => auditions.keep() } }, "Keep"),
      element("button", { type: "button", dataset: { key: "discard" }, on: { click: () => auditions.discard() } }, "Discard"),
    ),
    element("p", { class: "note" }, "In the cells: 1 2 3 and 0 to hear, Enter keeps, Esc discards. Takes stay in the history."),
  );
}

function card(name, letter, text, place, takes, auditions) {
  return element(
    "button",
    { type: "button", class: "card", "aria-pressed": takes.chosen === place, dataset: { key: `take ${place}` }, on: { click: () => auditions.choose(place) } },
    element("span", { class: "take", "aria-hidden": "true" }, letter),
    element("span", {}, name),
    element("small", {}, text),
    element("kbd", { "aria-hidden": "true" }, String(place)),
  );
}

export function comparisonPanel({ comparison }, { auditions }) {
  if (!comparison) return null;
  const { other, difference, isFlipped } = comparison;
  return panel(
    "Compare",
    element("p", {}, `With “${other.label}”, ${timeText(other.created)}: `, element("strong", { id: "difference" }, differenceText(difference)), "."),
    element("p", { class: "note" }, "Outlined: the song's own notes, and with dashes those that only the other has."),
    element(
      "div",
      { class: "row" },
      element("button", { type: "button", class: "primary", "aria-pressed": isFlipped, dataset: { key: "flip" }, on: { click: () => auditions.flip() } }, isFlipped ? "Hear the song (X)" : "Hear the other (X)"),
      element("button", { type: "button", dataset: { key: "end-compare" }, on: { click: () => auditions.discard() } }, "Close"),
    ),
  );
}
