// Choosing a part of the query's photo: drawn with the pointer, or moved and sized by arrow keys.

import { pictureOf } from "./api.js";
import { byId } from "./dom.js";
import { bringForward } from "./notices.js";
import { navigate, state } from "./state.js";
import { percentOf } from "./text.js";

const LEAST = 0.05;
const STEP = 0.02;
const MIDDLE = { x: 0.25, y: 0.25, width: 0.5, height: 0.5 };

const dialog = byId("part");
const stage = byId("part-stage");
const frame = byId("part-frame");
let box = MIDDLE;

/** Return the part that stands in an address. */
function parsed(text) {
  const [x, y, width, height] = text.split(",").map(Number);
  return { x, y, width, height };
}

/** Lay an element over the part of a picture that stands in an address. */
export function layOver(element, text) {
  place(element, parsed(text));
}

function place(element, { x, y, width, height }) {
  const percents = { left: x, top: y, width, height };
  for (const [side, value] of Object.entries(percents)) element.style[side] = `${100 * value}%`;
}

/** Let a part of the query's photo be chosen. */
export function choose(item, title) {
  box = state.box ? parsed(state.box) : MIDDLE;
  const picture = byId("part-picture");
  picture.src = pictureOf(item, 1024);
  picture.alt = title;
  show();
  dialog.showModal();
  bringForward();
  frame.focus();
}

function show() {
  place(frame, box);
  const { x, y, width, height } = box;
  byId("part-says").textContent =
    `${percentOf(width)} wide and ${percentOf(height)} high, ` +
    `${percentOf(x)} from the left and ${percentOf(y)} from the top`;
}

const between = (value, least, most) => Math.min(Math.max(value, least), most);

function set({ x, y, width, height }) {
  const wide = between(width, LEAST, 1);
  const high = between(height, LEAST, 1);
  box = { x: between(x, 0, 1 - wide), y: between(y, 0, 1 - high), width: wide, height: high };
  show();
}

/** Return where the pointer is in the picture, as fractions of its sides. */
function placeOf(event) {
  const { left, top, width, height } = stage.getBoundingClientRect();
  return {
    x: between((event.clientX - left) / width, 0, 1),
    y: between((event.clientY - top) / height, 0, 1),
  };
}

function draw(event) {
  if (event.button) return;
  event.preventDefault();
  frame.focus();
  stage.setPointerCapture(event.pointerId);
  const from = placeOf(event);
  const follow = (moved) => {
    const to = placeOf(moved);
    set({
      x: Math.min(from.x, to.x),
      y: Math.min(from.y, to.y),
      width: Math.abs(from.x - to.x),
      height: Math.abs(from.y - to.y),
    });
  };
  stage.addEventListener("pointermove", follow);
  const end = () => stage.removeEventListener("pointermove", follow);
  stage.addEventListener("pointerup", end, { once: true });
  stage.addEventListener("pointercancel", end, { once: true });
}

function move(event) {
  const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!direction) return;
  event.preventDefault();
  const [across, down] = direction.map((one) => one * STEP);
  if (event.shiftKey) set({ ...box, width: box.width + across, height: box.height + down });
  else set({ ...box, x: box.x + across, y: box.y + down });
}

const written = (number) => String(Math.round(number * 1000) / 1000);

export function start() {
  stage.addEventListener("pointerdown", draw);
  frame.addEventListener("keydown", move);
  byId("part-close").addEventListener("click", () => dialog.close());
  byId("part-whole").addEventListener("click", () => {
    dialog.close();
    navigate({ box: null });
  });
  byId("part-search").addEventListener("click", () => {
    dialog.close();
    navigate({ box: [box.x, box.y, box.width, box.height].map(written).join(",") });
  });
}
