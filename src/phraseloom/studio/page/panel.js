/** The frame of a panel in the inspector. */

import { element } from "./dom.js";

export function panel(title, ...children) {
  return element("section", { class: "panel", "aria-label": title }, element("h2", {}, title), ...children);
}
