/** Small helpers over the DOM. */

/**
 * An element with attributes, listeners and children.
 *
 * @param {string} tag
 * @param {object} [attributes] - `on` holds listeners by event, `dataset` data; a boolean sets or leaves out an
 *   attribute, null and undefined leave it out; everything else is an attribute's text.
 * @param {...(Node|string|null)} children - null is left out.
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  const { on = {}, dataset = {}, ...rest } = attributes;
  for (const [name, value] of Object.entries(rest)) setAttribute(node, name, value);
  for (const [name, listener] of Object.entries(on)) node.addEventListener(name, listener);
  Object.assign(node.dataset, dataset);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Sets an attribute; false, null and undefined take it away, but ARIA's booleans stay as text. */
export function setAttribute(node, name, value) {
  const isAria = name.startsWith("aria-");
  if (value === null || value === undefined || (value === false && !isAria)) node.removeAttribute(name);
  else node.setAttribute(name, value === true && !isAria ? "" : String(value));
}

/** The element of the page with an id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Other children for a container; what had the focus has it again if a child has the same `data-key`. */
export function rebuild(container, children) {
  const focusedKey = container.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  container.replaceChildren(...children.filter(Boolean));
  if (focusedKey !== undefined) container.querySelector(`[data-key="${CSS.escape(focusedKey)}"]`)?.focus();
}

/** An icon of the page's own sheet. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.classList.add("icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/**
 * A pointer drag on an element: `move(event)` while it lasts, once the pointer has moved a little, and `end(event)` when
 * it is let go; `click(event)` where it hardly moved; `cancel()` on Escape or when the system takes the pointer away.
 */
export function onDrag(node, { start = () => true, move, end, click = () => {}, cancel = () => {} }) {
  node.addEventListener("pointerdown", (down) => {
    if (down.button !== 0 || start(down) === false) return;
    let isDragging = false;
    const controller = new AbortController();
    const listen = (name, listener) => window.addEventListener(name, listener, { signal: controller.signal, capture: true });
    const stop = () => {
      controller.abort();
      if (isDragging) cancel();
    };
    listen("pointermove", (event) => {
      isDragging ||= Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) >= DRAG_THRESHOLD_PX;
      if (isDragging) move(event, down);
    });
    listen("pointerup", (event) => {
      controller.abort();
      if (isDragging) end(event, down);
      else click(event);
    });
    listen("pointercancel", stop);
    listen("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      stop();
    });
  });
}

const DRAG_THRESHOLD_PX = 4;
