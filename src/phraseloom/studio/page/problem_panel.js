/** What went wrong and what to do; Retry keeps the seed. */

import { element } from "./dom.js";
import { sentence } from "./problems.js";

export function problemPanel({ error }, { store }) {
  if (!error) return null;
  const dismiss = () => store.set({ error: null });
  return element(
    "section",
    { class: "panel problem", role: "alert", id: "problem" },
    element("h2", {}, "That did not work"),
    element("p", {}, sentence(error.detail)),
    element("p", {}, sentence(error.remedy)),
    element(
      "div",
      { class: "row" },
      error.retry ? element("button", { type: "button", class: "primary", dataset: { key: "retry" }, on: { click: () => error.retry() } }, "Retry") : null,
      element("button", { type: "button", dataset: { key: "dismiss" }, on: { click: dismiss } }, "Dismiss"),
    ),
  );
}
