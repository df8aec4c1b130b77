/** Small forms that float beside what they are about, one at a time; Escape or a click elsewhere closes them. */

import { byId, element } from "./dom.js";

const EDGE_PX = 8;
let open = null;

/**
 * Opens a form under an element; closing gives the focus back.
 *
 * @param {Element} anchor
 * @param {string} label - for screen readers.
 * @param {Node[]} children
 * @param {object} listeners
 * @param {() => void} listeners.submit - Enter in a field, or its button.
 * @param {() => void} [listeners.closed] - in place of giving the focus back to `anchor`.
 * @returns {() => void} closes it.
 */
export function openFloating(anchor, label, children, { submit, closed = () => anchor.focus() }) {
  open?.();
  const form = element("form", { class: "popover floating", "aria-label": label }, ...children);
  const controller = new AbortController();
  const close = () => {
    if (open !== close) return;
    open = null;
    controller.abort();
    const hadFocus = form.contains(document.activeElement);
    form.remove();
    if (hadFocus) closed();
  };
  open = close;
  const listen = (target, name, listener) => target.addEventListener(name, listener, { signal: controller.signal });
  listen(form, "submit", (event) => {
    event.preventDefault();
    submit();
  });
  listen(form, "keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  });
  listen(document, "pointerdown", (event) => !form.contains(event.target) && close());
  byId("scroller").after(form);
  const box = anchor.getBoundingClientRect();
  form.style.top = `${box.bottom + EDGE_PX}px`;
  form.style.left = `${Math.max(EDGE_PX, Math.min(box.left, window.innerWidth - form.offsetWidth - EDGE_PX))}px`;
  return close;
}
