// The viewer: one photo, large, with its details.

import { get, pictureOf } from "./api.js";
import { byId, h, show } from "./dom.js";
import { judge, KEYS, showInViewer } from "./feedback.js";
import * as grid from "./grid.js";
import { bringForward, complain } from "./notices.js";
import { addressOf, changed, go, isQuery, state, within } from "./state.js";
import { count, folderOf, momentOf, nameOf, percentOf, shown, sizeOf, timeOf } from "./text.js";
import { run, trashed } from "./photo_actions.js";
import { tagLinks, tagsOf } from "./tags.js";

const dialog = byId("viewer");
const large = byId("large");
const note = byId("stage-note");
// Formats that browsers can show; of others the daemon's largest thumbnail is shown.
const SHOWN = new Set(["JPEG", "MPO", "PNG", "GIF", "WEBP", "AVIF", "BMP"]);

let photo = null;

/** Show the photo of the state. */
export async function follow() {
  if (state.photo === null) {
    if (dialog.open) dialog.close();
    return;
  }
  if (photo?.id === state.photo && dialog.open) return;
  const id = state.photo;
  const known = grid.photoOf(id);
  photo = known ?? { id, path: "", score: undefined };
  showPicture(photo);
  showFacts(photo);
  if (!dialog.open) {
    dialog.showModal();
    bringForward();
    byId("viewer-name").focus();
  }
  try {
    const details = await get(`/api/photos/${id}`);
    if (state.photo !== id) return;
    photo = { ...photo, ...details };
    showFacts(photo);
    namePlace(photo);
    if (SHOWN.has(photo.format) && !photo.offline) sharpen(id);
  } catch (error) {
    if (state.photo !== id) return;
    if (error.status === 404) error.hint = "it may have been moved or removed";
    note.textContent = error.message;
    show(note, true);
    if (!known) complain(error);
  }
}

/** Show the thumbnail of the grid at once, and a larger one when it has loaded. */
function showPicture({ id, path }) {
  show(note, false);
  large.alt = shown(nameOf(path));
  const small = grid.pictureShown(id);
  if (small) large.src = small;
  else large.removeAttribute("src");
  large.classList.add("loading");
  show(byId("large-waits"), true);
  const better = new Image();
  better.src = pictureOf({ kind: "photo", id }, 1024);
  better.decode().then(
    () => state.photo === id && !large.src.endsWith("/file") && replaceBy(better),
    () => state.photo === id && tellWhy(),
  );
  for (const step of [1, -1]) {
    const other = beside(step);
    show(byId(step > 0 ? "next" : "previous"), other !== undefined);
    if (other) new Image().src = pictureOf({ kind: "photo", id: other.id }, 1024);
  }
}

function replaceBy(image) {
  large.src = image.src;
  large.classList.remove("loading");
  show(byId("large-waits"), false);
}

function tellWhy() {
  show(byId("large-waits"), false);
  large.classList.remove("loading");
  note.textContent = photo?.offline
    ? "This photo is on a drive that is not connected."
    : "This photo cannot be shown.";
  show(note, true);
}

/** Replace the thumbnail by the file itself, once it has loaded. */
async function sharpen(id) {
  const file = new Image();
  file.src = `/api/photos/${id}/file`;
  try {
    await file.decode();
  } catch {
    return;
  }
  if (state.photo === id) replaceBy(file);
}

function showFacts(of) {
  const all = grid.photos();
  const place = all.findIndex((one) => one.id === of.id);
  byId("viewer-place").textContent =
    place >= 0 ? `${(place + 1).toLocaleString()} of ${all.length.toLocaleString()}` : "";
  // A small picture is not enlarged, however large the window is.
  large.style.maxWidth = of.width ? `${Math.max(of.width * 1.5, 320)}px` : "";
  large.style.maxHeight = of.height ? `${Math.max(of.height * 1.5, 240)}px` : "";
  const name = shown(nameOf(of.path));
  byId("viewer-name").textContent = name || "\u2026";
  large.alt = name;
  const folder = byId("viewer-folder");
  const lies = folderOf(of.path);
  folder.textContent = shown(lies);
  folder.href = addressOf(changed({ view: "photos", like: [], unlike: [], folder: lies, since: null, until: null, tags: null }));
  folder.title = "Show this folder";
  for (const verb of ["open", "reveal", "trash"]) {
    dialog.querySelector(`[data-do=${verb}]`).disabled = of.offline === true;
  }
  dialog.querySelector("[data-do=less]").disabled = !isQuery();
  show(dialog.querySelector("[data-do=why]"), isQuery() && of.score !== undefined);
  showInViewer(of);
  const taken = momentOf(of);
  const megapixels = (of.width * of.height) / 1e6;
  const facts = [
    ["Alike", of.score === undefined ? "" : percentOf(of.score)],
    [of.captured ? "Taken" : "File changed", timeOf(taken)],
    ["Size", of.size ? sizeOf(of.size) : ""],
    ["Pixels", of.width ? `${of.width} \u00d7 ${of.height}${megapixels >= 1 ? `, ${megapixels.toFixed(1)} MP` : ""}` : ""],
    ["Format", of.format],
    ["Camera", of.camera],
    ["Place", placeOf(of)],
    ["Caption", of.caption],
    ["Note", of.note],
    ["Keywords", tagLinks(of.keywords?.map((name) => ({ name })))],
    ["Tags", tagsOf(of, tagged)],
    ["Same picture", of.copies?.length ? count(of.copies.length, "more file") : ""],
    ["State", stateOf(of)],
  ];
  byId("viewer-facts").replaceChildren(
    ...facts
      .filter(([, value]) => value)
      .map(([what, value]) => h("div", {}, h("dt", {}, what),
        h("dd", {}, typeof value === "string" ? h("bdi", {}, shown(value)) : value))),
  );
}

/** Show the photo as it is once its tags were judged. */
function tagged(details) {
  if (photo?.id !== details.id) return;
  photo = { ...photo, ...details };
  showFacts(photo);
}

/** Show the name of the place of the photo, once it is known. */
async function namePlace({ id, latitude }) {
  if (typeof latitude !== "number") return;
  // Without its name a place is still told, by its coordinates.
  const { place } = await get(`/api/photos/${id}/place`).catch(() => ({}));
  if (!place || photo?.id !== id) return;
  photo = { ...photo, place };
  showFacts(photo);
}

function placeOf({ latitude, longitude, place }) {
  if (place) return place;
  if (typeof latitude !== "number" || typeof longitude !== "number") return "";
  const north = `${Math.abs(latitude).toFixed(4)}\u00b0 ${latitude < 0 ? "S" : "N"}`;
  return `${north}, ${Math.abs(longitude).toFixed(4)}\u00b0 ${longitude < 0 ? "W" : "E"}`;
}

function stateOf(of) {
  if (of.failure) return `could not be read: ${of.failure}`;
  if (of.offline) return "offline: its drive is not connected";
  return of.preliminary ? "known by its thumbnail so far" : "";
}

// Next and previous photo.

function beside(step) {
  const all = grid.photos();
  const at = all.findIndex((one) => one.id === photo?.id);
  return at < 0 ? undefined : all[at + step];
}

function turn(step) {
  const other = beside(step);
  if (!other) return;
  go(changed({ photo: other.id }), true);
  // More photos are fetched when the last one is near.
  if (step > 0 && !beside(3)) document.dispatchEvent(new CustomEvent("more-photos"));
}

/** Judge the photo; one that is no hit any more makes way for the next one. */
async function judgeShown(verb) {
  const { id } = photo;
  const next = beside(1) ?? beside(-1);
  await judge(photo, verb);
  if (photo?.id !== id) return;
  if (next && !grid.photoOf(id)) go(changed({ photo: next.id }), true);
  else showFacts(photo);
}

byId("previous").addEventListener("click", () => turn(-1));
byId("next").addEventListener("click", () => turn(1));
byId("viewer-close").addEventListener("click", leave);

dialog.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "ArrowRight") turn(1);
  else if (event.key === "ArrowLeft") turn(-1);
  else if (event.key === "Delete") run("trash", [photo]);
  else if (KEYS[event.key]) judgeShown(KEYS[event.key]);
  else return;
  event.preventDefault();
});

dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  leave();
});

dialog.addEventListener("close", () => {
  const last = photo?.id;
  photo = null;
  large.removeAttribute("src");
  bringForward();
  if (last !== undefined && state.photo === null && !document.querySelector("dialog[open]")) {
    grid.focus(last);
  }
});

/** Close the viewer; goes back if it was opened on this page, so that forward opens it again. */
function leave() {
  if (within()) history.back();
  else go(changed({ photo: null }), true);
}

// Swiping.

let from = null;
const stage = byId("stage");
stage.addEventListener("touchstart", (event) => {
  from = event.touches.length === 1 ? event.touches[0] : null;
}, { passive: true });
stage.addEventListener("touchend", (event) => {
  const to = event.changedTouches[0];
  if (!from || (window.visualViewport?.scale ?? 1) > 1.01) return;
  const [x, y] = [to.clientX - from.clientX, to.clientY - from.clientY];
  if (Math.abs(x) > 60 && Math.abs(x) > 2 * Math.abs(y)) turn(x < 0 ? 1 : -1);
  from = null;
});

dialog.addEventListener("click", (event) => {
  const verb = event.target.closest("[data-do]")?.dataset.do;
  if (verb && photo) run(verb, [photo]);
  const judged = event.target.closest("[data-judge]")?.dataset.judge;
  if (judged && photo) judgeShown(judged);
});

byId("viewer-folder").addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  go(changed({ view: "photos", like: [], unlike: [], folder: folderOf(photo.path), since: null, until: null, tags: null }));
});

// A photo that was moved to the trash makes way for the next one.
document.addEventListener("trashing", (event) => {
  if (photo && dialog.open && event.detail.includes(photo.id)) {
    const other = beside(1) ?? beside(-1);
    if (other && !trashed.has(other.id)) go(changed({ photo: other.id }), true);
    else leave();
  }
});
