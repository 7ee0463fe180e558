// The pictures of the query, and how they are added: dropped, pasted or chosen.

import { get, pictureOf, upload, withQuery } from "./api.js";
import { button, byId, h, icon, show } from "./dom.js";
import { complain, say } from "./notices.js";
import { addressOf, changed, go, navigate, state } from "./state.js";
import { nameOf, shown } from "./text.js";
import { remove } from "./photo_actions.js";
import * as known from "./known.js";
import * as part from "./part.js";

const pictures = new Map(); // Details of the query's pictures, by keyOf.

const keyOf = (item) => `${item.kind}:${item.id ?? item.path}`;

/** Return the path or name of a picture of the query, and its photo id if it is in the library. */
export async function lookUp(item) {
  const key = keyOf(item);
  if (!pictures.has(key)) pictures.set(key, await find(item));
  return pictures.get(key);
}

async function find(item) {
  try {
    if (item.kind === "photo") {
      const { path } = await get(`/api/photos/${item.id}`);
      return { path, id: item.id };
    }
    if (item.kind === "path") {
      const { id } = await get(withQuery("/api/number", { path: item.path }));
      return { path: item.path, id: id ?? undefined };
    }
  } catch (error) {
    return { path: "", name: error.status === 404 ? "no longer in the library" : "" };
  }
  return { path: "", name: sessionStorage.getItem(`name of ${item.id}`) ?? "your picture" };
}

export const titleOf = (about) => shown(about.name ?? nameOf(about.path));

/** Show the pictures of the query. */
export async function showQuery() {
  show(byId("query"), state.like.length > 0);
  show(byId("unlike-part"), state.unlike.length > 0);
  for (const list of ["like", "unlike"]) keep(byId(list), list);
  const pictures = byId("like").querySelectorAll(".picture");
  for (const frame of byId("like").querySelectorAll(".part")) frame.remove();
  if (state.box && pictures.length === 1) {
    const frame = h("span", { class: "part" });
    part.layOver(frame, state.box);
    pictures[0].firstElementChild.append(frame);
  }
  show(byId("choose-part"), state.like.length === 1);
}

/** Let a part of the query's one photo be chosen. */
async function choosePart() {
  const [item] = state.like;
  const about = await lookUp(item);
  const photo = about.id === undefined ? item : { kind: "photo", id: about.id };
  part.choose(photo, titleOf(about));
}

function keep(element, list) {
  const there = new Map([...element.children].map((entry) => [entry.dataset.key, entry]));
  element.replaceChildren(
    ...state[list].map((item) => there.get(keyOf(item)) ?? listEntry(item, list)),
  );
}

function listEntry(item, list) {
  const image = h("img", { alt: "", decoding: "async" });
  const name = h("bdi", { class: "name" }, "\u2026");
  const removeButton = button("", () => remove(list, item), {
    icon: "close",
    class: "quiet round",
    "aria-label": "Remove from the query",
  });
  const entry = h(
    "li",
    { data: { key: keyOf(item) } },
    h("div", { class: "picture" }, h("div", { class: "whole" }, image), removeButton),
    name,
  );
  image.addEventListener("error", () => image.replaceWith(h("span", { class: "no-picture" }, icon("photos"))));
  if (item.kind !== "path") image.src = pictureOf(item, 260);
  lookUp(item).then((about) => {
    if (item.kind === "path") {
      const inLibrary = about.id !== undefined;
      image.src = pictureOf(inLibrary ? { kind: "photo", id: about.id } : item, 260);
    }
    name.textContent = titleOf(about);
    name.title = shown(about.path);
    image.alt = titleOf(about);
    removeButton.setAttribute("aria-label", `Remove ${titleOf(about)} from the query`);
    if (about.id === undefined) return;
    const address = addressOf(changed({ photo: about.id }));
    const link = h("a", { href: address, "aria-label": `Show ${titleOf(about)} large` });
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      go(changed({ photo: about.id }));
    });
    image.replaceWith(link);
    link.append(image);
  });
  return entry;
}

// Pictures from outside the library.

/** Search with several pictures from outside the library. */
async function searchWith(files) {
  const chosen = [...files].filter((file) => file.size > 0).slice(0, 10);
  if (!chosen.length) return;
  document.body.classList.add("uploading");
  try {
    const like = [];
    for (const file of chosen) {
      const id = await upload(file);
      sessionStorage.setItem(`name of ${id}`, file.name || "pasted picture");
      like.push({ kind: "upload", id });
    }
    navigate({ view: "photos", like, unlike: [], photo: null });
  } catch (error) {
    complain(error);
  } finally {
    document.body.classList.remove("uploading");
  }
}

export function start() {
  part.start();
  byId("choose-part").addEventListener("click", choosePart);
  const file = byId("file");
  byId("choose").addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    searchWith(file.files);
    file.value = "";
  });

  let depth = 0; // How many nested elements the dragged file is over.
  const over = (isOver) => {
    if (!isOver) depth = 0;
    document.body.classList.toggle("dropping", isOver);
  };
  const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth += 1;
    over(true);
  });
  addEventListener("dragleave", () => {
    depth -= 1;
    if (depth <= 0) over(false);
  });
  addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    over(false);
    if (document.querySelector("dialog[open]")) return;
    if (!known.takeDrop(event.dataTransfer)) searchWith(event.dataTransfer.files);
  });

  addEventListener("paste", (event) => {
    if (event.target.closest?.("input, textarea") || document.querySelector("dialog[open]")) return;
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) {
      event.preventDefault();
      searchWith(files);
    } else if (event.clipboardData?.types.length) {
      say("There is no picture in the clipboard.");
    }
  });
}

