// Two files of a group of duplicates side by side.

import { pictureOf } from "./api.js";
import { details, left, loadDetails } from "./copies.js";
import { button, byId, h, show } from "./dom.js";
import { bringForward, complain } from "./notices.js";
import { moveToTrash, run, trashed } from "./photo_actions.js";
import { exactTimeOf, folderOf, momentOf, nameOf, shown, sizeOf } from "./text.js";

const IN_STRIP = 60;
const TITLES = {
  "identical content": "Identical files",
  "same picture": "The same picture",
  "same scene": "The same scene",
};

const dialog = byId("compare");
let shownGroup = null;
let pair = [];
let stripped = IN_STRIP;
let act = {};

/** Show the first photo of a group beside another one. */
export async function compare(group, second = null) {
  const photos = left(group);
  shownGroup = group;
  stripped = IN_STRIP;
  pair = [photos[0], second && second.id !== photos[0].id ? second : photos[1]];
  byId("sides").replaceChildren();
  byId("strip").replaceChildren();
  if (!dialog.open) {
    dialog.showModal();
    bringForward();
    byId("compare-title").focus();
  }
  await showPair();
}

async function showPair() {
  const group = shownGroup;
  const two = pair;
  await loadDetails(two);
  if (shownGroup !== group || pair !== two) return; // Another one was chosen meanwhile.
  const known = two.map((photo) => details.get(photo.id) ?? photo);
  byId("compare-title").textContent = TITLES[group.kind];
  byId("sides").replaceChildren(...known.map((photo, place) => side(photo, known[1 - place])));
  showStrip();
}

function showStrip() {
  const photos = left(shownGroup);
  byId("strip").replaceChildren(...(photos.length > 2 ? photos.slice(0, stripped).map(stripCell) : []));
  if (photos.length > stripped) {
    byId("strip").append(
      button(`${(photos.length - stripped).toLocaleString()} more`, () => {
        const first = stripped;
        stripped += IN_STRIP;
        showStrip();
        byId("strip").children[first]?.focus();
      }, { class: "more-photos" }),
    );
  }
  show(byId("strip"), photos.length > 2);
}

function stripCell(photo) {
  return h(
    "button",
    {
      type: "button",
      class: "copy",
      "aria-label": `Compare with ${shown(photo.path)}`,
      "aria-pressed": String(pair.some((one) => one.id === photo.id)),
      on: {
        click() {
          if (pair.some((one) => one.id === photo.id)) return;
          pair = [pair[0], photo];
          showPair();
        },
      },
    },
    h("img", { alt: "", loading: "lazy", src: pictureOf({ kind: "photo", id: photo.id }, 90) }),
  );
}

/** Return what was done to a photo, compared with the first of its group. */
function doneTo(photo) {
  const place = shownGroup.ids.indexOf(photo.id);
  return (shownGroup.differences[place] ?? []).join(", ");
}

function side(photo, other) {
  const pixels = (one) => (one.width ?? 0) * (one.height ?? 0);
  const taken = momentOf(photo);
  const rows = [
    ["Folder", shown(folderOf(photo.path)), null],
    ["Pixels", photo.width ? `${photo.width} \u00d7 ${photo.height}` : "", pixels(photo) > pixels(other) ? "larger" : null],
    ["Size", photo.size ? sizeOf(photo.size) : "", photo.size > other.size ? "larger" : null],
    ["File changed", photo.modified ? exactTimeOf(new Date(photo.modified / 1e6)) : "", photo.modified > other.modified ? "newer" : null],
    ["Taken", photo.captured ? exactTimeOf(taken) : "unknown", photo.captured && !other.captured ? "known" : null],
    ["Format", photo.format ?? "", photo.format && other.format && photo.format !== other.format ? "differs" : null],
    ["Camera", photo.camera ?? "", photo.camera && photo.camera !== other.camera ? (other.camera ? "differs" : "known") : null],
    ["Changed", doneTo(photo), null],
    ["Note", photo.note ?? "", null],
  ];
  const name = shown(nameOf(photo.path));
  return h(
    "section",
    { class: "one", "aria-label": name, data: { id: photo.id } },
    h("div", { class: "picture" }, h("img", { alt: name, src: pictureOf({ kind: "photo", id: photo.id }, 560) })),
    h("h3", {}, h("bdi", {}, name)),
    h(
      "dl",
      {},
      ...rows
        .filter(([, value]) => value)
        .map(([what, value, better]) =>
          h("div", {}, h("dt", {}, what), h("dd", {}, h("bdi", {}, value), better ? h("span", { class: "better" }, better) : null)),
        ),
    ),
    h(
      "div",
      { class: "row" },
      button("Open", () => run("open", [photo]), { icon: "open", "aria-label": `Open: ${name}` }),
      button("Show in folder", () => run("reveal", [photo]), { icon: "folder", "aria-label": `Show in folder: ${name}` }),
      button("Copy path", () => run("copy", [photo]), { icon: "copy", "aria-label": `Copy path: ${name}` }),
      button("Move to trash", () => trashOne(photo, other), {
        icon: "trash",
        class: "danger",
        "aria-label": `Move to trash: ${name}`,
      }),
      shownGroup.kind === "identical content"
        ? null
        : button("Not the same", () => act.tellApart(shownGroup, photo), { "aria-label": `Not the same: ${name}` }),
    ),
  );
}

/** Move one to the trash while the other one is there and whole. */
async function trashOne(photo, other) {
  try {
    await moveToTrash([photo], [other.id]);
  } catch (error) {
    complain(error);
  }
}

export const isOpen = () => dialog.open;

export function close() {
  if (dialog.open) dialog.close();
}

/** Show what is left of the group, once some of it is in the trash. */
export function showLeft() {
  if (!shownGroup) return;
  const photos = left(shownGroup);
  if (photos.length < 2) dialog.close();
  else {
    const stays = pair.filter((photo) => !trashed.has(photo.id));
    pair = [...stays, ...photos.filter((photo) => !stays.includes(photo))].slice(0, 2);
    showPair();
  }
}

/** Take what says that a photo is not the same, and what is called with the group once it is closed. */
export function start(tellApart, closed) {
  act = { tellApart };
  byId("compare-close").addEventListener("click", close);
  dialog.addEventListener("close", () => {
    const group = shownGroup;
    shownGroup = null;
    bringForward();
    closed(group);
  });
}
