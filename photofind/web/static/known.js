// Which photos of a folder the library has already: identical, the same picture, or new.

import { get, pictureOf, post, upload, withQuery } from "./api.js";
import { byId, h, show } from "./dom.js";
import { complain } from "./notices.js";
import { addressOf, changed, go, state } from "./state.js";
import { count, durationOf, shown } from "./text.js";

const BY_PATH = 20;
const SENT = 8; // Fewer than the daemon keeps of what is sent to it.
const SHOWN = 500;
const HEAPS = ["identical", "same picture", "new", "failed"];

let looking = null;
let asked = ""; // The folder that was looked at last.

export async function follow() {
  if (state.folder && state.folder !== asked) {
    byId("known-path").value = shown(state.folder);
    await lookAtFolder(state.folder);
  }
}

const isHere = () => !byId("view-known").hidden;

async function lookAtFolder(folder) {
  asked = folder;
  await look(async (signal) => {
    const { paths, skipped } = await get(withQuery("/api/known/files", { folder }), { signal });
    const told = skipped.map((one) => ({ path: one.path, state: "failed", reason: one.reason, matches: [], ids: [], done: [] }));
    return { told, items: paths, atOnce: BY_PATH, ask: (some) => some };
  });
}

async function lookAtFiles(files) {
  const suffixes = byId("known-files").dataset.suffixes.split(" ");
  const isPhoto = ({ name }) => suffixes.some((suffix) => name.toLowerCase().endsWith(suffix));
  const photos = files.filter((file) => isPhoto(file) && !file.name.startsWith("."));
  asked = "";
  await look(async () => ({
    told: [],
    items: photos,
    atOnce: SENT,
    ask: async (some) => {
      const sent = [];
      for (const file of some) sent.push(`upload:${await upload(file)}`);
      return sent;
    },
  }));
}

/** Look for photos in the library, some at a time, and show what is found so far. */
async function look(begin) {
  looking?.abort();
  const mine = (looking = new AbortController());
  const { signal } = mine;
  clear();
  show(byId("known-work"), true);
  byId("known-summary").textContent = "Looking for photos\u2026";
  try {
    const { told, items, atOnce, ask } = await begin(signal);
    for (const one of told) add(one, null);
    const bar = byId("known-bar");
    const started = Date.now();
    for (let at = 0; at < items.length && !signal.aborted; at += atOnce) {
      bar.max = items.length;
      bar.value = at;
      const left = at ? ((Date.now() - started) / at) * (items.length - at) : 0;
      const time = left > 5000 ? `, ${durationOf(left / 1000)} left` : "";
      byId("known-summary").textContent = `${at.toLocaleString()} of ${count(items.length, "photo")} compared${time}`;
      const some = items.slice(at, at + atOnce);
      const photos = await ask(some);
      const found = await post("/api/known", { photos }, { signal });
      if (signal.aborted) return;
      found.forEach((one, place) => add(one, some[place]));
    }
    if (!signal.aborted) finish(items.length);
  } catch (error) {
    if (signal.aborted) return;
    byId("known-summary").textContent = "";
    complain(error);
  } finally {
    if (looking === mine) {
      looking = null;
      show(byId("known-work"), false);
    }
  }
}

const heapOf = (name) => document.querySelector(`[data-heap="${name}"]`);
const countOf = (name) => document.querySelector(`[data-count="${name}"]`);
const counts = new Map();
let pictures = [];

function clear() {
  for (const address of pictures) URL.revokeObjectURL(address);
  pictures = [];
  for (const name of HEAPS) {
    counts.set(name, 0);
    heapOf(name).replaceChildren();
    countOf(name).textContent = "";
  }
  byId("known-bar").removeAttribute("value");
  show(byId("heaps"), false);
  show(byId("known-failed"), false);
}

/** Show what is known of a photo. `item`: its path, or the file that was chosen. */
function add(found, item) {
  // One that lies in the library itself is there, whatever else is.
  const heap = found.state === "indexed" ? "identical" : found.state;
  counts.set(heap, counts.get(heap) + 1);
  countOf(heap).textContent = counts.get(heap).toLocaleString();
  show(byId("heaps"), true);
  if (heap === "failed") show(byId("known-failed"), true);
  if (counts.get(heap) > SHOWN) {
    if (counts.get(heap) === SHOWN + 1) heapOf(heap).append(h("li", { class: "none" }, `The first ${SHOWN} are shown.`));
    return;
  }
  const path = item instanceof File ? item.webkitRelativePath || item.name : below(found.path, asked);
  const facts = [
    found.state === "indexed" ? "in the library itself" : found.done.join(", "),
    found.matches.length > 1 ? `${found.matches.length.toLocaleString()} times` : "",
    found.reason ?? "",
  ];
  heapOf(heap).append(
    h(
      "li",
      {},
      pictureFor(found, item),
      h(
        "div",
        { class: "about" },
        h("span", { class: "path" }, h("bdi", {}, shown(path))),
        found.matches.length
          ? h("p", {}, "in the library: ", h("a", { href: addressOf(changed({ view: "photos", folder: null, photo: found.ids[0] })) }, h("bdi", {}, shown(found.matches[0]))))
          : null,
        facts.some(Boolean) ? h("p", {}, facts.filter(Boolean).map(shown).join(" \u00b7 ")) : null,
      ),
    ),
  );
}

/** Return a path as it is below a folder. */
const below = (path, folder) =>
  folder && path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;

function pictureFor(found, item) {
  let address = "";
  if (found.ids.length) address = pictureOf({ kind: "photo", id: found.ids[0] }, 64);
  else if (item instanceof File) {
    address = URL.createObjectURL(item);
    pictures.push(address);
  }
  if (!address) return null;
  const image = h("img", { src: address, alt: "", loading: "lazy", width: "64", height: "64" });
  image.addEventListener("error", () => image.remove());
  return image;
}

function finish(total) {
  const fresh = counts.get("new");
  const text = !total
    ? "There are no photos there."
    : fresh
      ? `${count(fresh, "photo")} of ${total.toLocaleString()} ${fresh === 1 ? "is" : "are"} new.`
      : counts.get("failed")
        ? "All that could be compared are in the library."
        : `The library has all ${count(total, "photo")}.`;
  byId("known-summary").textContent = text;
}

/** Return the files that were dropped, those in folders too. */
async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [];
  while (entries.length) {
    const entry = entries.shift();
    if (entry.isFile) files.push(await new Promise((done, failed) => entry.file(done, failed)));
    else {
      const reader = entry.createReader();
      for (;;) {
        const some = await new Promise((done, failed) => reader.readEntries(done, failed));
        if (!some.length) break;
        entries.push(...some);
      }
    }
  }
  return files;
}

/** Take in what was dropped, if this view is shown; return whether it was. */
export function takeDrop(transfer) {
  if (!isHere()) return false;
  filesOf(transfer).then(lookAtFiles).catch(complain);
  return true;
}

export function start() {
  byId("known-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const folder = byId("known-path").value.trim();
    if (!folder) return;
    if (folder === state.folder) lookAtFolder(folder);
    else go(changed({ view: "known", folder }));
  });
  const files = byId("known-files");
  byId("known-choose").addEventListener("click", () => files.click());
  files.addEventListener("change", () => {
    lookAtFiles([...files.files]);
    files.value = "";
  });
  byId("known-stop").addEventListener("click", () => {
    looking?.abort();
    byId("known-summary").textContent = "Stopped.";
  });
}
