// Creation of elements. Text is always inserted as text: nothing is ever parsed as HTML.

export const byId = (id) => document.getElementById(id);

/** Return a new element. `properties`: attributes, or `on: {event: listener}`, `data: {}`. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) {
        element.addEventListener(event, listener);
      }
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else if (name === "class") {
      element.className = value;
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** Return one of the icons of icons.html. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export function button(text, listener, { icon: name, ...properties } = {}) {
  return h(
    "button",
    { type: "button", ...properties, on: { click: listener } },
    name ? icon(name) : null,
    text,
  );
}

/** Show or hide an element. */
export function show(element, shown) {
  element.hidden = !shown;
}

/** Return a debounced `work`: called once no call came for `milliseconds`. */
export function debounced(work, milliseconds) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), milliseconds);
  };
}

/** Call `work` for every item, a few at a time. */
export async function forEachOf(items, atOnce, work) {
  const queue = [...items];
  const worker = async () => {
    while (queue.length) await work(queue.shift());
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, queue.length) }, worker));
}
