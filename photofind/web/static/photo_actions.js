// Actions on photos: search with them, open, show in folder, copy the path, move to the trash.

import { post } from "./api.js";
import { explain } from "./explain.js";
import { ask, complain, say } from "./notices.js";
import { isQuery, navigate, sameItem, state } from "./state.js";
import { count, nameOf, pasted, sentence, shown } from "./text.js";

// So many take a while to move.
const MANY = 50;

/** Ids of photos that were moved to the trash and are still in the library. */
export const trashed = new Set();

const itemOf = (photo) => ({ kind: "photo", id: photo.id });

const actions = {
  similar: (photos) =>
    navigate({ view: "photos", like: photos.map(itemOf), unlike: [], words: null, photo: null }),

  more: (photos) => add("like", "unlike", photos),

  less: (photos) => {
    if (isQuery()) add("unlike", "like", photos);
    else say("First search with a photo: choose \u201cFind similar photos\u201d on it.");
  },

  why: async ([photo]) => {
    if (isQuery() && photo.score !== undefined) await explain(photo);
    else say("Search with a photo first: then each hit can say why it is one.");
  },

  open: async ([photo]) => {
    await post(`/api/photos/${photo.id}/open`);
    say(`Opening ${shown(nameOf(photo.path))}.`);
  },

  reveal: async ([photo]) => {
    await post(`/api/photos/${photo.id}/reveal`);
    say("Showing the photo in your file manager.");
  },

  copy: async (photos) => {
    const texts = photos.map((photo) => pasted(photo.path));
    await copy(texts.join("\n"));
    const quoted = texts.some((text, place) => text !== photos[place].path);
    const what = photos.length === 1 ? "The path is" : `The ${count(photos.length, "path")} are`;
    say(`${what} copied${quoted ? ", with shell quotes: a name has characters that cannot be pasted" : ""}.`);
  },

  trash: (photos) => moveToTrash(photos),
};

/** Perform an action on photos; return whether it was done. */
export async function run(action, photos) {
  try {
    return (await actions[action](photos)) !== false;
  } catch (error) {
    complain(error);
    return false;
  }
}

function add(list, other, photos) {
  const ids = new Set(photos.map((photo) => photo.id));
  const without = (items) => items.filter((item) => item.kind !== "photo" || !ids.has(item.id));
  const like = { [list]: [...without(state[list]), ...photos.map(itemOf)], [other]: without(state[other]) };
  if (list === "unlike" && !like.like.length) {
    say("At least one photo to search for must remain.");
    return;
  }
  navigate({ view: "photos", ...like });
}

export function remove(list, item) {
  navigate({ [list]: state[list].filter((other) => !sameItem(other, item)) });
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    throw new Error("This browser does not allow the page to copy");
  }
}

/** Move photos to the trash; `kept` has for each the id of the one that is kept for it. */
export async function moveToTrash(photos, kept = []) {
  const one = photos.length === 1;
  const names = photos.slice(0, 8).map((photo) => shown(photo.path));
  if (photos.length > 8) names.push(`\u2026 and ${count(photos.length - 8, "other")}`);
  const yes = await ask(
    one ? "Move this photo to the trash?" : `Move ${count(photos.length, "photo")} to the trash?`,
    `The file${one ? "" : "s"} on your disk will be moved to the trash of your system.`,
    "Move to trash",
    { danger: true, list: names },
  );
  if (!yes) return false;
  const text = `Moving ${count(photos.length, "photo")} to the trash\u2026`;
  const close = photos.length >= MANY ? say(text, { stays: true }) : () => {};
  const moving = post("/api/photos/trash", { ids: photos.map((photo) => photo.id), kept });
  const { trashed: ids, failures, undo } = await moving.finally(close);
  // First, so that a notice with “Undo” comes last and stays.
  if (failures.length) say(reasonOf(failures, "moved"), { bad: true });
  if (ids.length) {
    for (const id of ids) trashed.add(id);
    document.dispatchEvent(new CustomEvent("trashing", { detail: ids }));
    document.dispatchEvent(new CustomEvent("trashed", { detail: ids }));
    const what = ids.length === 1 ? "One photo is" : `${count(ids.length, "photo")} are`;
    say(
      `${what} in the trash.${undo ? "" : " To restore, open the trash of your system."}`,
      undo ? { action: "Undo", act: () => putBack(undo, ids) } : {},
    );
  }
  return ids.length > 0;
}

/** Return why photos could not be moved or restored: the first reason, and how many more there are. */
function reasonOf(failures, done) {
  const [first, ...others] = failures;
  const more = others.length ? ` ${sentence(`${count(others.length, "more photo")} could not be ${done}`)}` : "";
  return `${sentence(first.reason)}${more}`;
}

async function putBack(undo, ids) {
  try {
    const { restored, failures, undo: again } = await post("/api/photos/untrash", { undo });
    for (const id of ids) trashed.delete(id);
    if (restored.length) say(`${count(restored.length, "photo")} restored.`);
    if (failures.length) {
      const retry = again ? { action: "Try again", act: () => putBack(again, ids) } : {};
      say(reasonOf(failures, "restored"), { ...retry, bad: true });
    }
    document.dispatchEvent(new CustomEvent("restored", { detail: ids }));
  } catch (error) {
    complain(error);
  }
}
