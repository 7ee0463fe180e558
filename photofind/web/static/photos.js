// The photos: all of them by date, or the hits of a query.

import { get, post, withQuery } from "./api.js";
import { lookUp, showQuery, titleOf } from "./query.js";
import { button, byId, h, icon, show } from "./dom.js";
import { offerExtractors, showFilters } from "./filters.js";
import * as feedback from "./feedback.js";
import * as grid from "./grid.js";
import * as connection from "./connection.js";
import { addressOf, changed, filtersIn, isQuery, isWords, keyOf, navigate, state } from "./state.js";
import { count, monthOf, monthTitle, momentOf, nameOf, sentence, shown } from "./text.js";
import { trashed } from "./photo_actions.js";
import * as words from "./words.js";

const PAGE = 120;
// More hits are fetched on scrolling, up to this many.
const HITS = [60, 200, 500];
const KEPT = 12;
const AT_ONCE = 60;

const kept = new Map(); // Cached answers, for going back quickly.
let shownKey = "";
let shownOffline = null;
let loading = null;
let end = false;
let countWhenShown = 0;
let wereWords = false;

/** Show the state. `fresh`: fetch again instead of using the cache. */
export async function follow({ fresh = false } = {}) {
  const key = keyOf(state);
  if (key === shownKey && state.offline === shownOffline && !fresh) return;
  loading?.abort();
  const mine = (loading = new AbortController());
  if (fresh) kept.clear();
  const isNew = key !== shownKey || state.offline !== shownOffline;
  shownKey = key;
  shownOffline = state.offline;
  end = false;
  // While words are typed, photos give way only to those that are found next.
  const stays = isWords() && wereWords;
  wereWords = isWords();
  if (isNew) {
    if (!stays) grid.clear();
    byId("title").textContent = title();
    if (!stays) say("");
    showNotes([]);
    feedback.showOf(null);
  }
  show(byId("message"), false);
  show(byId("news"), false);
  byId("grid").setAttribute("aria-busy", "true");
  if (isQuery()) showQuery();
  else show(byId("query"), false);
  const filters = showFilters({ fresh });
  wait(true);
  try {
    if (!connection.status) await connection.refresh();
    countWhenShown = connection.status.photos; // Before asking: what comes meanwhile is news.
    if (isQuery()) await search(mine.signal, fresh);
    else await browse(mine.signal, fresh || stays);
    if (history.state?.scroll) scrollTo(0, history.state.scroll);
  } catch (error) {
    if (mine.signal.aborted) return;
    shownKey = "";
    fail(error);
  } finally {
    if (loading === mine) {
      byId("grid").setAttribute("aria-busy", "false");
      if (end || !byId("message").hidden) wait(false);
    }
  }
  await filters;
}

function title() {
  if (isQuery()) return state.box ? "Photos like this part" : state.like.length === 1 ? "Photos like this one" : "Photos like these";
  if (isWords()) return `\u201c${shown(state.words.trim())}\u201d`;
  const { folder, since, until, tags } = state;
  const time = since && since === until ? monthTitle(since) : "";
  const place = folder ? shown(nameOf(folder) || folder) : "";
  return [...(tags ?? []).map(shown), place, time].filter(Boolean).join(", ") || (since || until ? "Photos by date" : "All photos");
}

const say = (text) => {
  byId("summary").textContent = text;
};

function wait(waits) {
  show(byId("more"), waits);
}

const passing = (photos) =>
  photos.filter((photo) => !trashed.has(photo.id) && !(state.offline === "hide" && photo.offline));

// A query.

const numbered = (asked) =>
  asked.kind === "path" ? asked.path : asked.kind === "upload" ? `upload:${asked.id}` : asked.id;

function request(limit) {
  const { like, unlike, min, folder, since, until, tags, extractor, box, turned, originals } = state;
  const counts = state.feedback;
  const asked = state.words?.trim();
  const wanted = { like: like.map(numbered), limit, min_score: min, folder, since, until, tags, extractor };
  if (unlike.length) wanted.unlike = unlike.map(numbered);
  if (asked) Object.assign(wanted, { words: asked, words_weight: state.weight });
  if (box) wanted.box = box.split(",").map(Number);
  if (originals && !box) wanted.originals = true;
  if (counts) wanted.feedback = counts === "yes";
  if (turned) wanted.any_rotation = turned === "yes";
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== null));
}

async function search(signal, fresh) {
  let answer = kept.get(shownKey);
  if (!answer) {
    answer = { limit: HITS[0], ...(await post("/api/similar", request(HITS[0]), { signal })) };
    keep(answer);
  }
  await showAnswer(answer, fresh);
}

function keep(answer) {
  kept.delete(shownKey);
  kept.set(shownKey, answer);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
}

async function showAnswer(answer, fresh) {
  const key = shownKey;
  const hits = passing(answer.hits);
  feedback.showOf(answer);
  if (fresh) grid.clear();
  await appendCalmly(hits);
  if (key !== shownKey) return;
  end = answer.hits.length < answer.limit || answer.limit >= HITS.at(-1);
  const searched = `${count(answer.photos, "photo")} searched in ${answer.seconds.toLocaleString(undefined, { maximumFractionDigits: answer.seconds < 1 ? 2 : 1 })} s`;
  say(`${count(hits.length, "hit")}${end ? "" : ", and more below"} \u00b7 ${searched}`);
  showNotes(notesOf(answer, hits));
  if (!hits.length) nothingFound();
  else offerExtractors(hits[0].id);
  if (end) wait(false);
  const names = await Promise.all(state.like.map(lookUp));
  if (key !== shownKey) return;
  const first = titleOf(names[0]);
  const others = names.length > 1 ? ` and ${count(names.length - 1, "other")}` : "";
  document.title = `Photos like ${first}${others} \u2013 photofind`;
}

/** Show another answer to the query that is shown; the focus stays at its place in the grid. */
async function replaceAnswer(answer) {
  const place = grid.placeOfFocus();
  answer = { limit: kept.get(shownKey)?.limit ?? HITS[0], ...answer };
  keep(answer);
  show(byId("message"), false);
  await showAnswer(answer, true);
  if (place >= 0) grid.focusAt(place);
}

/** Append photos in portions, so that scrolling stays smooth. */
async function appendCalmly(photos, options) {
  const key = shownKey;
  for (let at = 0; at < photos.length && key === shownKey; at += AT_ONCE) {
    if (at) await new Promise((resume) => setTimeout(resume));
    if (key === shownKey) grid.append(photos.slice(at, at + AT_ONCE), options);
  }
}

function notesOf(answer, hits) {
  const notes = answer.notes.map((note) => `${sentence(note)}`);
  const preliminary = hits.filter((hit) => hit.preliminary).length;
  if (preliminary) {
    notes.push(`${count(preliminary, "hit was", "hits were")} found by the thumbnail so far; the order improves while photofind reads the photos.`);
  }
  if (answer.turned && !state.turned) notes.push("The photo was compared turned and mirrored too, for nothing else shows its picture.");
  const offline = hits.filter((hit) => hit.offline).length;
  if (offline) notes.push(`${count(offline, "hit is", "hits are")} on a drive that is not connected.`);
  return notes;
}

function showNotes(notes) {
  byId("notes").replaceChildren(...notes.map((note) => h("li", {}, note)));
  show(byId("notes"), notes.length > 0);
}

// All photos, by date.

async function browse(signal, fresh) {
  document.title = isWords() ? `${shown(state.words.trim())} \u2013 photofind` : "photofind";
  const answer = kept.get(shownKey) ?? { photos: [], end: false };
  if (!answer.photos.length) await fetchPage(answer, signal);
  if (fresh) grid.clear();
  keep(answer);
  await showPage(answer, answer.photos);
  if (answer.coming?.length) askLater(shownKey);
}

/** Ask the same again once an extractor may be loaded, unless a person has gone on. */
function askLater(key) {
  setTimeout(() => {
    if (key === shownKey && scrollY === 0 && grid.placeOfFocus() < 0) again();
  }, 1500);
}

async function fetchPage(answer, signal) {
  if (isWords()) return words.fetchPage(answer, PAGE, signal);
  const { folder, since, until, tags } = state;
  const page = await get(
    withQuery("/api/photos", { folder, since, until, tag: tags, offset: answer.photos.length, limit: PAGE }),
    { signal },
  );
  answer.end = page.length < PAGE;
  answer.photos = [...answer.photos, ...page];
  return page;
}

async function showPage(answer, page) {
  const key = shownKey;
  await appendCalmly(passing(page), isWords() ? {} : { headingOf: (photo) => monthOf(momentOf(photo)) });
  if (key !== shownKey) return;
  end = answer.end;
  summarise();
  if (!grid.photos().length && end) nothingThere();
  else if (end) wait(false);
}

/** Show the number of photos, as far as known. */
function summarise() {
  const answer = kept.get(shownKey);
  if (!answer || isQuery()) return;
  if (isWords()) {
    say(answer.total ? words.summaryOf(answer) : "");
    showNotes(words.notesOf(answer));
    return;
  }
  const all = filtersIn().length ? null : connection.status?.photos;
  if (end) say(count(passing(answer.photos).length, "photo"));
  else say(all ? count(all, "photo") : "");
  showNotes(offlineNotes());
}

function offlineNotes() {
  const away = (connection.status?.folders ?? []).filter((folder) => folder.state === "offline");
  return away.map(
    (folder) =>
      `${shown(folder.path)} is offline${folder.reason ? ` (${shown(folder.reason)})` : ""}: ` +
      "its photos are known, and can be opened once it is back.",
  );
}

// Loading more when the end is near.

let fetching = false;

async function more() {
  if (fetching || end || !shownKey || byId("view-photos").hidden) return;
  const answer = kept.get(shownKey);
  if (!answer || byId("grid").getAttribute("aria-busy") === "true") return;
  fetching = true;
  const key = shownKey;
  const { signal } = loading;
  try {
    if (isQuery()) {
      const limit = HITS.find((one) => one > answer.limit);
      const next = { limit, ...(await post("/api/similar", request(limit), { signal })) };
      if (key !== shownKey) return;
      keep(next);
      await showAnswer(next, false);
    } else {
      const page = await fetchPage(answer, signal);
      if (key === shownKey) await showPage(answer, page);
    }
  } catch (error) {
    if (!signal.aborted) {
      end = true;
      wait(false);
      showNotes([`${error.message}${error.hint ? `; ${error.hint}` : ""}`]);
    }
  } finally {
    fetching = false;
  }
  if (key !== shownKey || end) return;
  near.unobserve(byId("more")); // It may still be visible, and is reported only once.
  near.observe(byId("more"));
}

const near = new IntersectionObserver(
  (entries) => {
    if (entries.some((entry) => entry.isIntersecting)) more();
  },
  { rootMargin: "1200px" },
);

// Messages when there is nothing to show.

function message(title, text, ...doings) {
  const element = byId("message");
  element.replaceChildren(
    h("h2", {}, title),
    h("p", {}, text),
    ...(doings.length ? [h("div", { class: "row" }, ...doings)] : []),
  );
  show(element, true);
  wait(false);
}

const link = (address, text, primary = true) =>
  h("a", { class: primary ? "button primary" : "button", href: address }, text);

function fail(error) {
  say("");
  const again = button("Try again", () => follow({ fresh: true }), { icon: "refresh", class: "primary" });
  if (connection.status && !connection.status.folders.length) return nothingThere();
  message(sentence(error.message), sentence(error.hint), again, link("/", "All photos", false));
}

function nothingFound() {
  const { min } = state;
  const doings = [];
  if (filtersIn().length) {
    doings.push(button("Without filters", () =>
      navigate({ folder: null, since: null, until: null, tags: null, min: null, offline: null, extractor: null, feedback: null }), { class: "primary" }));
  }
  message(
    "No photo is similar enough",
    min ? `No photo has a score of ${Math.round(min * 100)} % or more. Lower the minimum, or remove filters.`
      : "The library has no similar photo, or none that passes the filters.",
    ...doings,
  );
}

function nothingThere() {
  const status = connection.status;
  say("");
  if (!status) message("", "");
  else if (!status.folders.length) {
    message(
      "Where are your photos?",
      "Add the folder they are in. photofind reads them there and changes nothing.",
      link("/?view=library&add", "Add a folder"),
    );
  } else if (isWords()) {
    message(
      "No photo has these words",
      "Names of files and folders, captions, keywords, tags, dates and places are searched. Other words, or fewer, may find it.",
      ...(filtersIn().length ? [link(addressOf(changed({ folder: null, since: null, until: null, tags: null, offline: null })), "Without filters")] : []),
      link("/", "All photos", !filtersIn().length),
    );
  } else if (filtersIn().length) {
    message("No photos here", "No photo of the library passes these filters.", link("/", "All photos"));
  } else if (status.daemon?.paused) {
    message("photofind is paused", "Photos appear here once indexing resumes.", link("/?view=library", "Resume"));
  } else if (status.daemon?.activity || status.pending || status.folders.some((folder) => !folder.scanned)) {
    message("Your photos are being indexed", "The first ones will appear here in a moment.");
    byId("message").prepend(h("span", { class: "spinner" }));
  } else {
    message(
      "There are no photos in your folders",
      "Put photos there and they will appear here, or add another folder.",
      link("/?view=library&add", "Add a folder"),
    );
  }
}

// Changes while the page is open.

function onLibraryChange(status) {
  if (!shownKey) return;
  const isEmpty = !grid.photos().length;
  if (isEmpty && !isQuery() && !isWords()) {
    if (status.photos !== countWhenShown || !byId("message").hidden) again();
    return;
  }
  const difference = status.photos - countWhenShown;
  const news = byId("news");
  show(news, difference > 0 && !trashed.size);
  news.replaceChildren(icon("refresh"), `${count(difference, "new photo")}: ${isQuery() || isWords() ? "search again" : "show"}`);
}

let due = 0;
function again() {
  clearTimeout(due);
  due = setTimeout(() => {
    if (!byId("view-photos").hidden) follow({ fresh: true });
  }, 300);
}

export function start() {
  feedback.start({
    key: () => shownKey,
    request: () => request(kept.get(shownKey)?.limit ?? HITS[0]),
    replace: replaceAnswer,
  });
  document.addEventListener("judged", () => {
    kept.clear();
    shownKey = "";
  });
  near.observe(byId("more"));
  byId("news").addEventListener("click", () => follow({ fresh: true }));
  connection.on("library", () => onLibraryChange(connection.status));
  connection.on("activity", () => {
    if (!grid.photos().length && !isQuery() && shownKey) nothingThereNow();
  });
  connection.on("folders", () => showFilters({ fresh: true }));
  connection.on("back", again);
  connection.on("first", () => {
    summarise();
    if (!byId("message").hidden && !isQuery()) nothingThere();
    showFilters();
  });
  document.addEventListener("more-photos", more);
  document.addEventListener("trashed", () => kept.clear());
  // Restored photos are indexed again after a moment, maybe under another id.
  document.addEventListener("restored", () => {
    kept.clear();
    again();
    let rounds = 0;
    const look = () => {
      rounds += 1;
      again();
      if (rounds < 3) setTimeout(look, 2500);
    };
    setTimeout(look, 1500);
  });
  grid.listen({ empty: () => (isQuery() ? nothingFound() : nothingThere()) });
}

function nothingThereNow() {
  if (!byId("message").hidden) nothingThere();
}

