// The grid of photos, each a link to the viewer, and the actions on them.
//
// One photo is current: Tab reaches its buttons, and the arrow keys make another photo current. So
// tabbing past 500 photos takes five steps, and every button can be reached.

import { get, pictureOf } from "./api.js";
import { button, byId, forEachOf, h, icon, show } from "./dom.js";
import { buttonsFor, judge, KEYS } from "./feedback.js";
import { addressOf, changed, go } from "./state.js";
import { count, dayOf, folderOf, momentOf, nameOf, percentOf, shown, sizeOf } from "./text.js";
import { run, trashed } from "./photo_actions.js";

const UNKNOWN_RATIO = 1.4;

const grid = byId("grid");
const cards = new Map(); // By photo id, in the order of the grid.
const selected = new Set();
let selecting = false;
let current = null;
let rowHeight = 190;
let listeners = {};

export const photos = () => [...cards.values()].map((card) => card.photo);
export const photoOf = (id) => cards.get(id)?.photo;

/** Return the address of a photo's picture in the grid; undefined if it is not shown. */
export function pictureShown(id) {
  const image = cards.get(id)?.querySelector("img.there");
  return image?.currentSrc;
}

export function clear() {
  grid.replaceChildren();
  cards.clear();
  current = null;
  select(null);
}

/** Return the list for the next photos: one list per heading. */
function listFor(heading) {
  const last = grid.lastElementChild;
  if (last && last.dataset.heading === (heading ?? "")) return last.querySelector("ol");
  // Some screen readers need the role, because the bullets of the list are hidden.
  const list = h("ol", { class: "cards", role: "list" });
  const section = h("section", { class: "month", data: { heading: heading ?? "" } });
  if (heading) section.append(h("h2", {}, heading));
  section.append(list);
  grid.append(section);
  return list;
}

/** Append photos; `headingOf` returns the heading of each. */
export function append(items, { headingOf = () => null } = {}) {
  rowHeight = parseFloat(getComputedStyle(grid).getPropertyValue("--row")) || rowHeight;
  for (const photo of items) {
    if (cards.has(photo.id) || trashed.has(photo.id)) continue;
    const card = make(photo);
    listFor(headingOf(photo)).append(card);
    cards.set(photo.id, card);
  }
  if (!current) makeCurrent(cards.values().next().value);
}

function make(photo) {
  const name = shown(nameOf(photo.path));
  const card = h("li", { class: "card", data: { id: photo.id } });
  card.photo = photo;
  const image = h("img", { alt: "", loading: "lazy", decoding: "async", draggable: "false" });
  setRatio(card, photo.width && photo.height ? photo.width / photo.height : null);
  image.addEventListener("load", () => {
    image.classList.add("there");
    if (!photo.width) setRatio(card, image.naturalWidth / image.naturalHeight);
  });
  image.addEventListener("error", () => card.classList.add("missing"));
  image.src = pictureOf({ kind: "photo", id: photo.id }, sideOf(photo));
  const link = h(
    "a",
    { class: "shot", href: addressOf(changed({ photo: photo.id })), tabindex: "-1" },
    image,
    h("span", { class: "no-picture", "aria-hidden": "true" }, icon("photos"), name),
    caption(photo, name),
  );
  card.append(
    link,
    smallButton("pick", "check", `Select ${name}`, { "aria-pressed": "false" }),
    h(
      "div",
      { class: "doings" },
      smallButton("like", "similar", `Find photos like ${name}`, { title: "Find similar photos" }),
      photo.score === undefined
        ? null
        : smallButton("why", "why", `Why ${name} is here`, { title: "Why?", "aria-haspopup": "dialog" }),
      smallButton("menu-button", "more", `Actions for ${name}`, {
        title: "More",
        "aria-haspopup": "menu",
      }),
    ),
  );
  const judges = buttonsFor(photo, name);
  if (judges.length) card.append(h("div", { class: "judges" }, ...judges));
  if (photo.score !== undefined) {
    card.append(h("span", { class: "score", "aria-hidden": "true" }, percentOf(photo.score)));
  }
  if (photo.found_by?.length) {
    card.append(h("span", { class: "found-by", "aria-hidden": "true" }, shown(photo.found_by.join(" \u00b7 "))));
  }
  if (photo.copy_ids?.length) {
    card.classList.add("stacked");
    card.append(
      h(
        "button",
        {
          type: "button",
          class: "stack",
          tabindex: "-1",
          "aria-expanded": "false",
          "aria-label": `+${photo.copy_ids.length}: more files with the same picture as ${name}`,
          title: "Show the other files with this picture",
        },
        icon("stack"),
        `+${photo.copy_ids.length}`,
      ),
    );
  }
  if (photo.offline) card.classList.add("offline");
  return card;
}

/** Return the label of a photo: shown over it, and read by screen readers. */
function caption(photo, name) {
  const facts = [dayOf(momentOf(photo)), photo.size ? sizeOf(photo.size) : ""].filter(Boolean);
  const unseen = [
    photo.score !== undefined ? `, score ${percentOf(photo.score)}` : "",
    photo.found_by?.length ? `, found by ${shown(photo.found_by.join(", "))}` : "",
    photo.preliminary ? ", known by its thumbnail so far" : "",
  ].join("");
  return h(
    "span",
    { class: "caption" },
    h("bdi", { class: "name" }, name),
    h("bdi", { class: "folder" }, shown(nameOf(folderOf(photo.path)))),
    h("span", {}, facts.join(" \u00b7 ")),
    photo.offline ? h("span", { class: "state" }, "offline") : null,
    unseen ? h("span", { class: "visually-hidden" }, unseen) : null,
  );
}

function smallButton(name, image, label, properties) {
  return h(
    "button",
    { type: "button", class: name, tabindex: "-1", "aria-label": label, ...properties },
    icon(image),
  );
}

function setRatio(card, ratio) {
  const kept = Math.min(2.6, Math.max(0.6, ratio || UNKNOWN_RATIO));
  card.style.setProperty("--ratio", kept.toFixed(3));
}

/** Return the longer side of a photo in the grid, in CSS pixels. */
function sideOf(photo) {
  const ratio = photo.width && photo.height ? photo.width / photo.height : UNKNOWN_RATIO;
  return rowHeight * Math.max(1, ratio);
}

/** Remove photos from the grid. */
export function take(ids) {
  for (const id of ids) {
    const card = cards.get(id);
    if (!card) continue;
    const had = card.contains(document.activeElement);
    const next = neighbour(card, 1) ?? neighbour(card, -1);
    const section = card.closest("section");
    card.remove();
    cards.delete(id);
    selected.delete(id);
    if (section && !section.querySelector(".card")) section.remove();
    if (current === card) {
      current = null;
      makeCurrent(next);
      if (had) next?.querySelector(".shot").focus();
    }
  }
  showSelection();
  if (!cards.size) listeners.empty?.();
}

// Stacks of near-duplicates.

async function unfold(card) {
  const { photo } = card;
  const toggle = card.querySelector(".stack");
  const open = toggle.getAttribute("aria-expanded") !== "true";
  toggle.setAttribute("aria-expanded", String(open));
  card.classList.toggle("unfolded", open);
  if (!open) {
    const folded = photo.copy_ids.filter((id) => cards.get(id)?.classList.contains("copy"));
    for (const id of folded) {
      cards.get(id).remove();
      cards.delete(id);
    }
    reorder();
    return;
  }
  let last = card;
  const fresh = [];
  photo.copy_ids.forEach((id, place) => {
    if (cards.has(id) || trashed.has(id)) return;
    const copy = make({
      id, path: photo.copies[place], captured: null, modified: 0, size: 0, offline: photo.offline,
      width: photo.width, height: photo.height,
    });
    copy.classList.add("copy");
    last.after(copy);
    cards.set(id, copy);
    fresh.push(copy);
    last = copy;
  });
  reorder();
  await forEachOf(fresh, 4, async (copy) => {
    try {
      Object.assign(copy.photo, await get(`/api/photos/${copy.photo.id}`));
      if (copy.photo.width) setRatio(copy, copy.photo.width / copy.photo.height);
      copy.querySelector(".caption").replaceWith(caption(copy.photo, shown(nameOf(copy.photo.path))));
    } catch {
      // Its name is shown instead.
    }
  });
}

/** Sort `cards` in the order of the grid. */
function reorder() {
  const shownNow = [...grid.querySelectorAll(".card")];
  cards.clear();
  for (const card of shownNow) cards.set(Number(card.dataset.id), card);
}

// The current photo.

function makeCurrent(card) {
  if (!card || card === current) return;
  setTabs(current, "-1");
  current = card;
  setTabs(current, "0");
}

function setTabs(card, index) {
  for (const element of card?.querySelectorAll("a, button") ?? []) element.tabIndex = Number(index);
}

export function focus(id) {
  const card = cards.get(id);
  if (!card) return false;
  makeCurrent(card);
  card.querySelector(".shot").focus();
  return true;
}

/** Return the place of the photo that has the focus, -1 if none has. */
export function placeOfFocus() {
  const card = document.activeElement?.closest?.(".card");
  return card ? [...cards.values()].indexOf(card) : -1;
}

/** Focus the photo at a place, or the last one. */
export function focusAt(place) {
  const card = [...cards.values()][place] ?? [...cards.values()].at(-1);
  if (card) focus(card.photo.id);
}

function neighbour(card, step) {
  const all = [...grid.querySelectorAll(".card")];
  return all[all.indexOf(card) + step];
}

/** Return the card above or below a card. */
function beyond(card, step) {
  const from = card.getBoundingClientRect();
  const middle = from.left + from.width / 2;
  let next = neighbour(card, step);
  let best = null;
  let top = null;
  for (; next; next = neighbour(next, step)) {
    const place = next.getBoundingClientRect();
    if (Math.abs(place.top - from.top) < 4) continue;
    if (top !== null && Math.abs(place.top - top) > 4) break;
    top = place.top;
    const distance = Math.abs(place.left + place.width / 2 - middle);
    if (!best || distance < best.distance) best = { card: next, distance };
  }
  return best?.card;
}

// Selection.

export function select(mode) {
  selecting = mode ?? false;
  if (!selecting) selected.clear();
  for (const [id, card] of cards) mark(card, selected.has(id));
  byId("select").setAttribute("aria-pressed", String(selecting));
  grid.classList.toggle("selecting", selecting);
  showSelection();
}

let anchor = null;

function toggle(card, { range = false } = {}) {
  const id = card.photo.id;
  if (range && anchor && cards.has(anchor)) {
    const ids = [...cards.keys()];
    const [from, to] = [ids.indexOf(anchor), ids.indexOf(id)].sort((one, other) => one - other);
    for (const one of ids.slice(from, to + 1)) selected.add(one);
  } else if (selected.has(id)) selected.delete(id);
  else selected.add(id);
  anchor = id;
  selecting = selecting || selected.size > 0;
  for (const [one, other] of cards) mark(other, selected.has(one));
  byId("select").setAttribute("aria-pressed", String(selecting));
  grid.classList.toggle("selecting", selecting);
  showSelection();
}

function mark(card, isSelected) {
  card.classList.toggle("selected", isSelected);
  card.querySelector(".pick").setAttribute("aria-pressed", String(isSelected));
}

function showSelection() {
  show(byId("selection"), selected.size > 0);
  document.body.classList.toggle("has-selection", selected.size > 0);
  byId("selection-count").textContent = selected.size ? `${selected.size.toLocaleString()} selected` : "";
}

// The context menu of a photo.

const menu = byId("menu");
let menuOf = null;

function openMenu(card, by) {
  menuOf = { card, by };
  show(menu.querySelector("[data-do=why]"), card.photo.score !== undefined);
  menu.showPopover();
  const at = by.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = Math.max(8, Math.min(at.right - width, innerWidth - width - 8));
  const below = at.bottom + 4 + height < innerHeight;
  menu.style.left = `${left}px`;
  menu.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - height - 4)}px`;
  menu.querySelector("button").focus();
}

menu.addEventListener("click", (event) => {
  const verb = event.target.closest("button")?.dataset.do;
  if (!verb || !menuOf) return;
  const { card } = menuOf;
  menu.hidePopover();
  if (verb === "select") toggle(card);
  else run(verb, [card.photo]);
});

menu.addEventListener("toggle", (event) => {
  if (event.newState === "closed" && menuOf?.by.isConnected) {
    if (document.activeElement === document.body || menu.contains(document.activeElement)) menuOf.by.focus();
  }
});

menu.addEventListener("keydown", (event) => {
  const items = [...menu.querySelectorAll("button:not([hidden])")];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to !== undefined) {
    items.at(to % items.length).focus();
    event.preventDefault();
    event.stopPropagation();
  } else if (event.key === "Tab") {
    menu.hidePopover();
  }
});

// Mouse and keyboard.

grid.addEventListener("click", (event) => {
  const card = event.target.closest(".card");
  if (!card) return;
  makeCurrent(card);
  const pressed = event.target.closest("button");
  if (pressed?.classList.contains("pick")) toggle(card, { range: event.shiftKey });
  else if (pressed?.dataset.judge) judge(card.photo, pressed.dataset.judge);
  else if (pressed?.classList.contains("like")) run("similar", [card.photo]);
  else if (pressed?.classList.contains("why")) run("why", [card.photo]);
  else if (pressed?.classList.contains("menu-button")) openMenu(card, pressed);
  else if (pressed?.classList.contains("stack")) unfold(card);
  else if (event.target.closest("a") && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    if (selecting || event.shiftKey) toggle(card, { range: event.shiftKey });
    else go(changed({ photo: card.photo.id }));
  }
});

grid.addEventListener("focusin", (event) => makeCurrent(event.target.closest(".card")));

grid.addEventListener("keydown", (event) => {
  const card = event.target.closest(".card");
  if (!card || event.ctrlKey || event.metaKey || event.altKey) return;
  const next = {
    ArrowRight: () => neighbour(card, 1),
    ArrowLeft: () => neighbour(card, -1),
    ArrowDown: () => beyond(card, 1),
    ArrowUp: () => beyond(card, -1),
    Home: () => neighbour(card, -[...cards.values()].indexOf(card)),
    End: () => [...cards.values()].at(-1),
  }[event.key];
  if (next) {
    event.preventDefault();
    const to = next();
    if (to) focus(to.photo.id);
    return;
  }
  if (!event.target.classList.contains("shot")) return;
  const verb = { s: "similar", "+": "more", "-": "less", w: "why", o: "open", c: "copy", Delete: "trash" }[event.key];
  if (event.key === " ") toggle(card, { range: event.shiftKey });
  else if (verb) run(verb, [card.photo]);
  else if (KEYS[event.key]) judge(card.photo, KEYS[event.key]);
  else return;
  event.preventDefault();
});

byId("select").addEventListener("click", () => select(!selecting));

byId("selection").addEventListener("click", async (event) => {
  const verb = event.target.closest("button")?.dataset.do;
  if (!verb) return;
  const chosen = [...selected].map(photoOf).filter(Boolean);
  if (verb === "clear") {
    select(false);
    current?.querySelector(".shot").focus();
  } else if (await run(verb, chosen)) {
    if (verb !== "copy") select(false);
  }
});

document.addEventListener("keydown", (event) => {
  const isFree = !document.querySelector("dialog[open]") && !menu.matches(":popover-open");
  if (event.key === "Escape" && selecting && isFree) select(false);
});

document.addEventListener("trashed", (event) => take(event.detail));

/** Call `empty()` once the last photo was removed. */
export function listen(to) {
  listeners = to;
}
