// The search box: words as they are typed, with a picture beside them or without.

import { get, withQuery } from "./api.js";
import { byId } from "./dom.js";
import * as grid from "./grid.js";
import { navigate, state } from "./state.js";
import { count, sentence, shown } from "./text.js";

const PAUSE = 160; // Milliseconds without a key after which is searched.

const box = byId("words");
let due = 0;

/** Show the words of the address in the box, unless others are being typed. */
export function follow() {
  const words = state.words ?? "";
  if (!due && box.value !== words) box.value = words;
}

export function focus() {
  box.focus();
  box.select();
}

/** Fetch the next photos that the words find, into an answer that is shown in pages. */
export async function fetchPage(answer, size, signal) {
  const { words, folder, since, until, tags } = state;
  const ask = (any) =>
    get(
      withQuery("/api/search", {
        words, folder, since, until, tag: tags, as_typed: true, any_word: any, offset: answer.photos.length, limit: size,
      }),
      { signal },
    );
  let page = await ask(answer.any ?? false);
  if (!page.total && !answer.any && words.trim().includes(" ")) {
    const some = await ask(true);
    if (some.total) {
      answer.any = true;
      page = some;
    }
  }
  Object.assign(answer, { total: page.total, corrections: page.corrections, said: page.notes, isCurrent: page.is_current, coming: page.coming });
  answer.photos = [...answer.photos, ...page.hits];
  answer.end = answer.photos.length >= page.total || !page.hits.length;
  return page.hits;
}

/** Return what is to be known of an answer, a line each. */
export function notesOf(answer) {
  const notes = (answer.said ?? []).map(sentence);
  if (answer.any) notes.push("No photo has all of these words. These have some of them.");
  for (const { typed, taken } of answer.corrections ?? []) {
    notes.push(`No photo has \u201c${shown(typed)}\u201d. These have ${taken.map((one) => `\u201c${shown(one)}\u201d`).join(" or ")}.`);
  }
  if (answer.isCurrent === false) notes.push("Words of new photos are still being indexed; more may be found in a moment.");
  if (answer.coming?.length) notes.push(`${answer.coming.map(shown).join(" and ")} is being loaded; what photos show counts in a moment.`);
  return notes;
}

export const summaryOf = (answer) => count(answer.total, "photo");

function find() {
  clearTimeout(due);
  due = 0;
  const words = box.value.trim() ? box.value : null;
  // One entry of the history for all that is typed.
  const isSame = state.view === "photos" && state.words !== null && words !== null;
  navigate({ view: "photos", words }, { replace: isSame });
}

export function start() {
  box.addEventListener("input", (event) => {
    if (event.isComposing) return; // Half a word of Chinese or Japanese.
    clearTimeout(due);
    due = setTimeout(find, PAUSE);
  });
  box.addEventListener("compositionend", () => {
    clearTimeout(due);
    due = setTimeout(find, PAUSE);
  });
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") {
      if (due) find();
      grid.focusAt(0);
    } else if (event.key === "Escape" && box.value) {
      box.value = "";
      find();
    } else return;
    event.preventDefault();
  });
  byId("finder").addEventListener("submit", (event) => {
    event.preventDefault();
    find();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, textarea, select") || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    focus();
  });
  if (/[?&]find(?:[&=]|$)/.test(location.search)) focus();
}
