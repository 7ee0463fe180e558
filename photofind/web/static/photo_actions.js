// What can be done with photos: search with them, open, show, copy, move to the trash.

import { post } from "./api.js";
import { ask, complain, say } from "./notices.js";
import { isQuery, navigate, sameItem, state } from "./state.js";
import { count, nameOf, pasted, sentence, shown } from "./text.js";

/** Photos that went to the trash, until the library knows it too. */
export const trashed = new Set();

const itemOf = (photo) => ({ kind: "photo", id: photo.id });

const actions = {
  similar: (photos) =>
    navigate({ view: "photos", like: photos.map(itemOf), unlike: [], photo: null }),

  more: (photos) => add("like", "unlike", photos),

  less: (photos) => {
    if (isQuery()) add("unlike", "like", photos);
    else say("First say what photos should be like: \u201cFind similar\u201d on one of them.");
  },

  open: async ([photo]) => {
    await post(`/api/photos/${photo.id}/open`);
    say(`${shown(nameOf(photo.path))} is being opened.`);
  },

  reveal: async ([photo]) => {
    await post(`/api/photos/${photo.id}/reveal`);
    say("It is shown in your file manager.");
  },

  copy: async (photos) => {
    const texts = photos.map((photo) => pasted(photo.path));
    await copy(texts.join("\n"));
    const quoted = texts.some((text, place) => text !== photos[place].path);
    const what = photos.length === 1 ? "The path is" : `${count(photos.length, "path")} are`;
    say(`${what} copied${quoted ? ", in a shell\u2019s quotes: a name has characters that cannot be pasted" : ""}.`);
  },

  trash: moveToTrash,
};

/** Do something with photos; returns whether it was done. */
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
    say("Something has to be left that photos should be like.");
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
    throw new Error("This browser does not let the page copy");
  }
}

async function moveToTrash(photos) {
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
  const { trashed: ids, failures, undo } = await post("/api/photos/trash", {
    ids: photos.map((photo) => photo.id),
  });
  if (ids.length) {
    for (const id of ids) trashed.add(id);
    document.dispatchEvent(new CustomEvent("trashing", { detail: ids }));
    document.dispatchEvent(new CustomEvent("trashed", { detail: ids }));
    const what = ids.length === 1 ? "One photo is" : `${count(ids.length, "photo")} are`;
    say(
      `${what} in the trash.${undo ? "" : " To put back, open the trash of your system."}`,
      undo ? { action: "Undo", act: () => putBack(undo, ids) } : {},
    );
  }
  for (const failure of failures.slice(0, 3)) complain({ message: failure.reason });
  return ids.length > 0;
}

async function putBack(undo, ids) {
  try {
    const { restored, failures, undo: again } = await post("/api/photos/untrash", { undo });
    for (const id of ids) trashed.delete(id);
    if (restored.length) say(`${count(restored.length, "photo")} put back where ${restored.length === 1 ? "it" : "they"} lay.`);
    for (const failure of failures) {
      say(sentence(failure.reason), again ? { action: "Try again", act: () => putBack(again, ids), bad: true } : { bad: true });
    }
    document.dispatchEvent(new CustomEvent("restored", { detail: ids }));
  } catch (error) {
    complain(error);
  }
}
