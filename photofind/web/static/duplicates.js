// Groups of photos that show the same picture, and two of them side by side.

import { get, pictureOf } from "./api.js";
import { button, byId, forEachOf, h, show } from "./dom.js";
import { bringForward } from "./notices.js";
import { count, folderOf, momentOf, nameOf, sentence, shown, sizeOf, timeOf } from "./text.js";
import { run, trashed } from "./photo_actions.js";

const AT_ONCE = 40;
const RELATIONS = { "identical content": "identical", "same picture": "the same picture", "same scene": "the same scene" };
const TITLES = { "identical content": "Identical files", "same picture": "The same picture", "same scene": "The same scene" };

const details = new Map(); // By photo id.
let groups = null;
let kind = "all";
let listed = 0;

export async function follow() {
  byId("duplicates-summary").textContent = groups ? byId("duplicates-summary").textContent : "Looking for duplicates\u2026";
  show(byId("duplicates-message"), false);
  try {
    const found = await get("/api/duplicates");
    groups = found.map((group) => ({
      ...group,
      photos: group.ids.map((id, place) => ({ id, path: group.paths[place], done: group.differences[place] ?? [] })),
    }));
    details.clear();
    list();
  } catch (error) {
    fail(error);
  }
}

function fail(error) {
  byId("duplicates-summary").textContent = "";
  byId("groups").replaceChildren();
  byId("duplicates-message").replaceChildren(
    h("h2", {}, sentence(error.message)),
    h("p", {}, sentence(error.hint)),
    button("Try again", follow, { icon: "refresh", class: "primary" }),
  );
  show(byId("duplicates-message"), true);
}

const left = (group) => group.photos.filter((photo) => !trashed.has(photo.id));
const wanted = (group) => left(group).length > 1 && (kind === "all" ? group.kind !== "same scene" : group.kind === kind);

function list() {
  const some = groups.filter(wanted);
  const spare = some.reduce((sum, group) => sum + left(group).length - 1, 0);
  byId("duplicates-summary").textContent = some.length
    ? `${count(some.length, "group")} with ${count(spare, "redundant file")}`
    : "";
  byId("groups").replaceChildren();
  listed = 0;
  listMore();
  const message = byId("duplicates-message");
  message.replaceChildren(
    h("h2", {}, "No duplicates"),
    h("p", {}, "No two photos of the library show the same picture."),
  );
  show(message, !some.length);
}

function listMore() {
  const some = groups.filter(wanted);
  byId("groups").append(...some.slice(listed, listed + AT_ONCE).map(make));
  listed = Math.min(some.length, listed + AT_ONCE);
  document.querySelector("#view-duplicates .more-groups")?.remove();
  if (listed < some.length) {
    byId("groups").after(
      button(`Show ${count(some.length - listed, "more group")}`, listMore, { class: "more-groups" }),
    );
  }
}

function make(group) {
  const photos = left(group);
  const item = h("li", { class: "group" });
  const relation = RELATIONS[group.kind];
  const name = shown(nameOf(photos[0].path));
  item.append(
    h(
      "div",
      { class: "group-head" },
      h("h2", {}, h("bdi", {}, name)),
      h("p", {}, `${count(photos.length, "file")}, ${relation}`),
      button("Compare", () => compare(group), { icon: "compare", "aria-label": `Compare: the files of ${name}` }),
    ),
    h("ol", { class: "copies", role: "list" }, ...photos.slice(0, 12).map((photo) => cell(group, photo))),
  );
  if (photos.length > 12) item.append(h("p", { class: "help" }, `and ${count(photos.length - 12, "more file")}`));
  seen.observe(item);
  item.group = group;
  return item;
}

function cell(group, photo) {
  const image = h("img", { alt: "", loading: "lazy", decoding: "async" });
  image.src = pictureOf({ kind: "photo", id: photo.id }, 160);
  image.addEventListener("error", () => image.classList.add("missing"));
  return h(
    "li",
    { data: { id: photo.id } },
    h(
      "button",
      {
        type: "button",
        class: "copy",
        "aria-label": `Compare ${shown(nameOf(photo.path))} with the others`,
        on: { click: () => compare(group, photo) },
      },
      image,
    ),
    h("bdi", { class: "name", title: shown(photo.path) }, shown(nameOf(photo.path))),
    h("bdi", { class: "folder" }, shown(nameOf(folderOf(photo.path)))),
    photo.done.length ? h("span", { class: "done" }, photo.done.join(", ")) : null,
    h("span", { class: "facts-line" }),
  );
}

async function loadDetails(photos) {
  await forEachOf(photos.filter((photo) => !details.has(photo.id)), 4, async (photo) => {
    try {
      details.set(photo.id, await get(`/api/photos/${photo.id}`));
    } catch {
      details.set(photo.id, { ...photo, gone: true });
    }
  });
}

// The details of a group are fetched when it comes into view.
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    const photos = left(target.group).slice(0, 12);
    loadDetails(photos).then(() => {
      for (const item of target.querySelectorAll(".copies > li")) {
        const known = details.get(Number(item.dataset.id));
        if (!known?.size) continue;
        const pixels = known.width ? `${known.width} \u00d7 ${known.height}, ` : "";
        item.querySelector(".facts-line").textContent = `${pixels}${sizeOf(known.size)}`;
      }
    });
  }
}, { rootMargin: "400px" });

// Side by side.

const dialog = byId("compare");
let shownGroup = null;
let pair = [];

async function compare(group, second = null) {
  const photos = left(group);
  shownGroup = group;
  pair = [photos[0], second && second.id !== photos[0].id ? second : photos[1]];
  byId("sides").replaceChildren();
  byId("strip").replaceChildren();
  if (!dialog.open) {
    dialog.showModal();
    bringForward();
    byId("compare-title").focus();
  }
  await loadDetails(photos);
  if (shownGroup === group) showPair();
}

function showPair() {
  const known = pair.map((photo) => details.get(photo.id) ?? photo);
  byId("compare-title").textContent = TITLES[shownGroup.kind];
  byId("sides").replaceChildren(...known.map((photo, place) => side(photo, known[1 - place])));
  const photos = left(shownGroup);
  byId("strip").replaceChildren(
    ...(photos.length > 2
      ? photos.map((photo) =>
          h(
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
          ),
        )
      : []),
  );
  show(byId("strip"), photos.length > 2);
}

function side(photo, other) {
  const pixels = (one) => (one.width ?? 0) * (one.height ?? 0);
  const taken = momentOf(photo);
  const rows = [
    ["Folder", shown(folderOf(photo.path)), null],
    ["Pixels", photo.width ? `${photo.width} \u00d7 ${photo.height}` : "", pixels(photo) > pixels(other) ? "larger" : null],
    ["Size", photo.size ? sizeOf(photo.size) : "", photo.size > other.size ? "larger" : null],
    ["File changed", photo.modified ? timeOf(new Date(photo.modified / 1e6)) : "", photo.modified > other.modified ? "newer" : null],
    ["Taken", photo.captured ? timeOf(taken) : "unknown", photo.captured && !other.captured ? "known" : null],
    ["Format", photo.format ?? "", null],
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
      button("Move to trash", () => run("trash", [photo]), {
        icon: "trash",
        class: "danger",
        "aria-label": `Move to trash: ${name}`,
      }),
    ),
  );
}

byId("compare-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => {
  const group = shownGroup;
  shownGroup = null;
  bringForward();
  const item = [...byId("groups").children].find((one) => one.group === group);
  (item?.querySelector("button") ?? byId("duplicates-title")).focus();
});

function afterTrash() {
  if (!groups) return;
  list();
  if (!shownGroup) return;
  const photos = left(shownGroup);
  if (photos.length < 2) dialog.close();
  else {
    const stays = pair.filter((photo) => !trashed.has(photo.id));
    pair = [...stays, ...photos.filter((photo) => !stays.includes(photo))].slice(0, 2);
    showPair();
  }
}

export function start() {
  document.addEventListener("trashed", afterTrash);
  document.addEventListener("restored", () => {
    if (!byId("view-duplicates").hidden) setTimeout(follow, 1500);
  });
  for (const choice of document.querySelectorAll("#view-duplicates [data-kind]")) {
    choice.addEventListener("click", () => {
      kind = choice.dataset.kind;
      for (const other of choice.parentElement.children) {
        other.setAttribute("aria-pressed", String(other === choice));
      }
      if (groups) list();
    });
  }
}

