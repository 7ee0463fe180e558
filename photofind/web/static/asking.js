// The pictures that somebody looks for the like of, and how they come: dropped, pasted, chosen.

import { get, pictureOf, upload, withQuery } from "./api.js";
import { button, byId, h, icon, show } from "./dom.js";
import { complain, say } from "./notices.js";
import { addressOf, changed, go, navigate, state } from "./state.js";
import { nameOf, shown } from "./text.js";
import { remove } from "./verbs.js";

const known = new Map(); // What is known of pictures of queries, by their place in addresses.

const keyOf = (asked) => `${asked.kind}:${asked.id ?? asked.path}`;

/** Return what is known of a picture of the query: its name, and its number in the library. */
export async function lookUp(asked) {
  const key = keyOf(asked);
  if (!known.has(key)) known.set(key, await find(asked));
  return known.get(key);
}

async function find(asked) {
  try {
    if (asked.kind === "photo") {
      const { path } = await get(`/api/photos/${asked.id}`);
      return { path, id: asked.id };
    }
    if (asked.kind === "path") {
      const { id } = await get(withQuery("/api/number", { path: asked.path }));
      return { path: asked.path, id: id ?? undefined };
    }
  } catch (error) {
    return { path: "", name: error.status === 404 ? "no longer there" : "" };
  }
  return { path: "", name: sessionStorage.getItem(`name of ${asked.id}`) ?? "your picture" };
}

export const titleOf = (about) => shown(about.name ?? nameOf(about.path));

/** Show the pictures of the query. */
export async function showAsked() {
  show(byId("query"), state.like.length > 0);
  show(byId("unlike-part"), state.unlike.length > 0);
  for (const list of ["like", "unlike"]) keep(byId(list), list);
}

function keep(element, list) {
  const there = new Map([...element.children].map((item) => [item.dataset.key, item]));
  element.replaceChildren(
    ...state[list].map((asked) => there.get(keyOf(asked)) ?? itemOf(asked, list)),
  );
}

function itemOf(asked, list) {
  const image = h("img", { alt: "", decoding: "async" });
  const name = h("bdi", { class: "name" }, "\u2026");
  const taken = button("", () => remove(list, asked), {
    icon: "close",
    class: "quiet round",
    "aria-label": "Remove from the query",
  });
  const item = h(
    "li",
    { data: { key: keyOf(asked) } },
    h("div", { class: "picture" }, image, taken),
    name,
  );
  image.addEventListener("error", () => image.replaceWith(h("span", { class: "no-picture" }, icon("photos"))));
  if (asked.kind !== "path") image.src = pictureOf(asked, 260);
  lookUp(asked).then((about) => {
    if (asked.kind === "path") {
      const inLibrary = about.id !== undefined;
      image.src = pictureOf(inLibrary ? { kind: "photo", id: about.id } : asked, 260);
    }
    name.textContent = titleOf(about);
    name.title = shown(about.path);
    image.alt = titleOf(about);
    taken.setAttribute("aria-label", `Remove ${titleOf(about)} from the query`);
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
  return item;
}

// Pictures from elsewhere.

/** Search with pictures from outside the library, all of them together. */
async function searchWith(files) {
  const pictures = [...files].filter((file) => file.size > 0).slice(0, 10);
  if (!pictures.length) return;
  document.body.classList.add("uploading");
  try {
    const like = [];
    for (const file of pictures) {
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
  const file = byId("file");
  byId("choose").addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    searchWith(file.files);
    file.value = "";
  });

  let depth = 0; // Of the elements that something is dragged over.
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
    searchWith(event.dataTransfer.files);
  });

  addEventListener("paste", (event) => {
    if (event.target.closest?.("input, textarea") || document.querySelector("dialog[open]")) return;
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) {
      event.preventDefault();
      searchWith(files);
    } else if (event.clipboardData?.types.length) {
      say("There is no picture on the clipboard.");
    }
  });
}

