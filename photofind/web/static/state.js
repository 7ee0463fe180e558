// The state of the page is its address, so that back, forward, reload and bookmarks work.
//
//   /?like=ID&unlike=ID     photos of the library; upload:HEX for an uploaded picture
//    &path=...&unpath=...   picture files anywhere, the bytes of their paths percent-encoded
//    &folder=...&since=...&until=...&tag=...&tag=...&min=0.5&extractor=...&offline=hide
//    &words=...             what photos have in their names, captions, keywords, dates, places
//    &words=...&weight=0.5  beside a photo: what hits should show, and how much that counts
//    &box=X,Y,W,H&turned=yes or no   the part of the query's photo, and whether it is turned
//    &originals=yes         what it was cut from comes first
//    &feedback=yes or no    whether what was judged counts
//    &photo=ID              the photo in the viewer
//   /?view=duplicates, /?view=library, /?view=settings
//   /?view=known&folder=...   which photos of a folder anywhere are in the library

import { decodePath, encodePath } from "./text.js";

const VIEWS = ["photos", "duplicates", "known", "library", "settings"];
const FILTERS = ["words", "weight", "folder", "since", "until", "tags", "min", "extractor", "offline", "box", "turned", "originals", "feedback"];
const NOTHING = {
  view: "photos", like: [], unlike: [], words: null, weight: null, folder: null, since: null, until: null, tags: null, min: null,
  extractor: null, offline: null, box: null, turned: null, originals: null, feedback: null, photo: null,
};

export let state = NOTHING;
const listeners = [];

/** Call `listener(state, before)` whenever the address changes. */
export function onChange(listener) {
  listeners.push(listener);
}

/** Return the state of an address. */
export function parse(search) {
  const read = { ...NOTHING, like: [], unlike: [] };
  for (const item of search.replace(/^\?/, "").split("&")) {
    const [name, ...rest] = item.split("=");
    const value = decodePath(rest.join("="));
    if (!value) continue;
    if (name === "like" || name === "unlike") {
      const item = parseItem(value);
      if (item) read[name].push(item);
    } else if (name === "path") read.like.push({ kind: "path", path: value });
    else if (name === "unpath") read.unlike.push({ kind: "path", path: value });
    else if (name === "view" && VIEWS.includes(value)) read.view = value;
    else if (name === "folder" || name === "extractor" || name === "words") read[name] = value;
    else if ((name === "since" || name === "until") && /^\d{4}(-\d\d){0,2}/.test(value))
      read[name] = value;
    else if (name === "tag") read.tags = [...new Set([...(read.tags ?? []), value])];
    else if (name === "min" && value >= 0 && value <= 1) read.min = Number(value);
    else if (name === "offline" && value === "hide") read.offline = "hide";
    else if (name === "box" && isBox(value)) read.box = value;
    else if (name === "turned" && (value === "yes" || value === "no")) read.turned = value;
    else if (name === "originals" && value === "yes") read.originals = value;
    else if (name === "weight" && value >= 0 && value <= 1) read.weight = Number(value);
    else if (name === "feedback" && (value === "yes" || value === "no")) read.feedback = value;
    else if (name === "photo" && /^\d+$/.test(value)) read.photo = Number(value);
  }
  return read;
}

/** Return whether a text is a part of a photo: four fractions. */
function isBox(value) {
  const numbers = value.split(",").map((text) => (text ? Number(text) : NaN));
  return numbers.length === 4 && numbers.every((one) => one >= 0 && one <= 1);
}

function parseItem(value) {
  if (/^\d{1,15}$/.test(value)) return { kind: "photo", id: Number(value) };
  if (/^upload:[0-9a-f]+$/.test(value)) return { kind: "upload", id: value.slice(7) };
  return null;
}

/** Return the address of a state. */
export function addressOf(wanted) {
  const items = wanted.view === "photos" ? [] : [`view=${wanted.view}`];
  for (const [list, path] of [["like", "path"], ["unlike", "unpath"]]) {
    for (const item of wanted[list]) {
      if (item.kind === "path") items.push(`${path}=${encodePath(item.path)}`);
      else items.push(`${list}=${item.kind === "upload" ? "upload:" : ""}${item.id}`);
    }
  }
  for (const name of [...FILTERS, "photo"]) {
    if (name === "tags") items.push(...(wanted.tags ?? []).map((tag) => `tag=${encodePath(tag)}`));
    else if (wanted[name] !== null) items.push(`${name}=${encodePath(String(wanted[name]))}`);
  }
  return items.length ? `/?${items.join("&")}` : "/";
}

/** Return the state with changes; without a photo to search for there is no query. */
export function changed(changes, from = state) {
  const next = { ...from, photo: null, ...changes };
  if (!next.like.length) Object.assign(next, { unlike: [], min: null, extractor: null, weight: null, feedback: null });
  // They are about one photo.
  const isOther = next.like.length !== 1 || !from.like.length || !sameItem(next.like[0], from.like[0]);
  if (isOther && from.like.length) Object.assign(next, { box: null, turned: null, originals: null });
  return next;
}

/** Go to the state with changes. */
export function navigate(changes, { replace = false } = {}) {
  go(changed(changes), replace);
}

export function go(next, replace = false) {
  const address = addressOf(next);
  if (address === location.pathname + location.search) return;
  remember();
  // Records that the previous history entry is this page's, so that closing can go back.
  history[replace ? "replaceState" : "pushState"]({ within: replace ? within() : true }, "", address);
  apply();
}

/** Return whether the previous history entry is this page's too. */
export const within = () => history.state?.within === true;

/** Store the scroll position in the history entry. */
export function remember() {
  history.replaceState({ ...history.state, scroll: scrollY }, "");
}

export function apply() {
  const before = state;
  state = parse(location.search);
  for (const listener of listeners) listener(state, before);
}

export const isQuery = (of = state) => of.like.length > 0;

/** Return the key of an answer: everything but the photo in the viewer. */
export const keyOf = (of) => addressOf({ ...of, photo: null, offline: null });

export const sameItem = (one, other) =>
  one.kind === other.kind && one.id === other.id && one.path === other.path;

/** Return whether photos are searched by words alone. */
export const isWords = (of = state) => !isQuery(of) && of.words !== null;

export const filtersIn = (of = state) => FILTERS.filter((name) => name !== "words" && name !== "weight" && of[name] !== null);
