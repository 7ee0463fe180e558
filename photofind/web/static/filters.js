// The filters: folder, dates, tags, minimum score, extractor.

import { get, withQuery } from "./api.js";
import { byId, debounced, h, icon, show } from "./dom.js";
import * as connection from "./connection.js";
import { complain } from "./notices.js";
import { addressOf, changed, filtersIn, go, isQuery, navigate, state } from "./state.js";
import { folderOf, isBelow, monthName, monthTitle, nameOf, shown } from "./text.js";

let overview = null; // The folders of the library.
let below = null; // The overview of the chosen folder.
let belowKey = "";
const beingSet = new Set(); // Fields with a value that is not in the address yet.
let tags = []; // The most frequent tags.
const SUGGESTED = 500;

/** Return a link that changes the address without loading the page. */
function linkTo(changes, label, properties = {}) {
  const address = addressOf(changed(changes));
  return h("a", {
    ...properties,
    href: address,
    on: {
      click(event) {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        go(changed(changes));
      },
    },
  }, ...[label].flat());
}

/** Show the active filters; fetch folders and months again if they may have changed. */
export async function showFilters({ fresh = false } = {}) {
  showForm();
  showChips();
  const key = state.folder ?? "";
  try {
    if (fresh || !overview) {
      const suggested = get(withQuery("/api/tags", { limit: SUGGESTED }));
      [overview, tags] = await Promise.all([get("/api/overview"), suggested]);
      suggestTags();
    }
    if (fresh || belowKey !== key || !below) {
      const asked = key ? await get(withQuery("/api/overview", { folder: key })) : overview;
      if ((state.folder ?? "") !== key) return;
      below = asked;
      belowKey = key;
    }
  } catch (error) {
    if (!overview) complain(error);
    return;
  }
  showPlaces();
  showTimes();
}

function showForm() {
  const query = isQuery();
  for (const field of document.querySelectorAll(".only-query")) show(field, query);
  fill("min", Math.round((state.min ?? 0) * 100));
  showMinimum();
  fill("since", whole(state.since, "01-01"));
  fill("until", whole(state.until, "12-31"));
  show(byId("tags-field"), tags.length > 0 || state.tags !== null);
  show(byId("turned-field"), state.like.length === 1);
  byId("turned").checked = state.turned === "yes";
  show(byId("originals-field"), state.like.length === 1);
  byId("originals").checked = state.originals === "yes" && !state.box;
  byId("offline").checked = state.offline !== "hide";
  const hasOffline = connection.status?.folders.some((folder) => folder.state === "offline");
  show(byId("offline-field"), Boolean(hasOffline) || state.offline !== null);
  show(byId("extractor-field"), query && byId("extractor").options.length > 1);
  byId("extractor").value = state.extractor ?? "";
  const active = filtersIn().length;
  byId("filter-count").textContent = active ? ` (${active})` : "";
}

/** Set the value of a field, unless the user is changing it. */
function fill(name, value) {
  if (!beingSet.has(name)) byId(name).value = value;
}

/** Return a full date for a date input; a missing day becomes the first or the last. */
function whole(date, rest) {
  if (!date) return "";
  if (date.length >= 10) return date.slice(0, 10);
  if (date.length === 4) return `${date}-${rest}`;
  const [year, month] = date.split("-").map(Number);
  const day = rest === "01-01" ? 1 : new Date(year, month, 0).getDate();
  return `${date}-${String(day).padStart(2, "0")}`;
}

function suggestTags() {
  byId("tag-suggestions").replaceChildren(
    ...tags.map(({ name, photos }) =>
      h("option", { value: name, label: `${shown(name)} (${photos.toLocaleString()})` })),
  );
  show(byId("tags-field"), tags.length > 0 || state.tags !== null);
}

function addTag() {
  const tag = byId("tag").value.trim();
  byId("tag").value = "";
  if (tag) navigate({ tags: [...new Set([...(state.tags ?? []), tag])] });
}

/** Return the tags without one; null if none is left. */
function withoutTag(tag) {
  const left = state.tags.filter((one) => one !== tag);
  return left.length ? left : null;
}

function showMinimum() {
  const value = Number(byId("min").value);
  byId("min-value").textContent = value ? `${value}\u202f%` : "any";
}

// Chips: the active filters, each of which can be removed.

function showChips() {
  const { folder, since, until, tags: wanted, min, extractor, offline, box, turned, originals, feedback } = state;
  const chips = [];
  if (folder) chips.push([`In ${shown(nameOf(folder) || folder)}`, { folder: null }]);
  if (since && since === until) chips.push([monthTitle(since), { since: null, until: null }]);
  else {
    if (since) chips.push([`From ${since}`, { since: null }]);
    if (until) chips.push([`To ${until}`, { until: null }]);
  }
  for (const tag of wanted ?? []) chips.push([`Tagged ${shown(tag)}`, { tags: withoutTag(tag) }]);
  if (min) chips.push([`${Math.round(min * 100)}\u202f% similar or more`, { min: null }]);
  if (extractor) chips.push([`By ${extractor}`, { extractor: null }]);
  if (box) chips.push(["A part of the photo", { box: null }]);
  if (turned) chips.push([turned === "yes" ? "Turned and mirrored too" : "As it is", { turned: null }]);
  if (feedback === "no") chips.push(["Without what you judged", { feedback: null }]);
  if (originals && !box) chips.push(["Originals and crops first", { originals: null }]);
  if (offline) chips.push(["Without offline photos", { offline: null }]);
  const list = byId("chips");
  list.replaceChildren(
    ...chips.map(([text, without]) =>
      h("li", {}, linkTo(without, [h("bdi", {}, text), icon("close")], {
        class: "chip",
        "aria-label": `${text}: remove this filter`,
      })),
    ),
  );
  show(list, chips.length > 0);
}

// Folders and dates.

function showPlaces() {
  const roots = overview.folders.map(([path]) => path);
  const { folder } = state;
  const crumbs = [];
  if (folder) {
    crumbs.push(h("li", {}, linkTo({ folder: null }, "All folders")));
    const root = roots.find((one) => isBelow(folder, one));
    const above = [];
    for (let one = folder; root && one !== root && above.length < 40; ) {
      one = folderOf(one);
      above.unshift(one);
    }
    for (const one of above) crumbs.push(h("li", {}, linkTo({ folder: one }, h("bdi", {}, shown(nameOf(one) || one)))));
    crumbs.push(h("li", {}, h("bdi", { "aria-current": "location" }, shown(nameOf(folder) || folder))));
  }
  byId("crumbs").replaceChildren(...crumbs);
  const offline = new Set(
    (connection.status?.folders ?? []).filter((one) => one.state === "offline").map((one) => one.path),
  );
  const names = below.folders.map(([path]) => nameOf(path));
  byId("places").replaceChildren(
    ...below.folders.map(([path, photos], place) =>
      h("li", {}, linkTo({ folder: path }, [
        icon("folder"),
        h("bdi", { class: "name" }, labelOf(path, names.indexOf(names[place]) !== names.lastIndexOf(names[place]))),
        offline.has(path) ? h("span", { class: "state" }, "offline") : null,
        h("span", { class: "number" }, photos.toLocaleString()),
      ].filter(Boolean), { title: shown(path) })),
    ),
  );
}

/** Return a folder's name, with its parent folder if the name alone is ambiguous. */
function labelOf(path, isAmbiguous) {
  const name = shown(nameOf(path) || path);
  return isAmbiguous ? `${shown(nameOf(folderOf(path)))}/${name}` : name;
}

function showTimes() {
  const years = new Map();
  for (const [month, photos] of below.months) {
    const year = month.slice(0, 4);
    years.set(year, [...(years.get(year) ?? []), [month, photos]]);
  }
  const chosen = state.since?.slice(0, 4) === state.until?.slice(0, 4) ? state.since : null;
  byId("times").replaceChildren(
    ...[...years].map(([year, months]) => {
      const isOpen = chosen?.startsWith(year);
      const total = months.reduce((sum, [, photos]) => sum + photos, 0);
      const here = (date) => (state.since === date && state.until === date ? "true" : null);
      const item = h("li", {}, linkTo({ since: year, until: year }, [
        h("span", { class: "name" }, year),
        h("span", { class: "number" }, total.toLocaleString()),
      ], { "aria-current": here(year) }));
      if (isOpen) {
        item.append(h("ul", { class: "months" }, ...months.toReversed().map(([month, photos]) =>
          h("li", {}, linkTo({ since: month, until: month }, monthName(month.slice(5)), {
            "aria-current": here(month),
            "aria-label": `${monthTitle(month)}, ${photos.toLocaleString()}`,
          })))));
      }
      return item;
    }),
  );
}

/** Offer the extractors that have embedded the given photo, if there are several. */
export async function offerExtractors(id) {
  const select = byId("extractor");
  if (select.options.length) return;
  try {
    const { spaces } = await get(`/api/photos/${id}`);
    const names = [...new Set(spaces.map((space) => space.slice(0, space.lastIndexOf("@"))))].sort();
    if (names.length > 1) {
      select.replaceChildren(
        h("option", { value: "" }, "as the settings say"),
        ...names.map((name) => h("option", { value: name }, name)),
      );
    }
    showForm();
  } catch {
    // Without a choice, the settings apply.
  }
}

export function start() {
  const narrow = matchMedia("(max-width: 60rem)");
  const filters = byId("filters");
  const fit = () => {
    filters.open = !narrow.matches;
  };
  fit();
  narrow.addEventListener("change", fit);
  byId("filter-form").addEventListener("submit", (event) => {
    event.preventDefault();
    addTag();
  });
  const setMinimum = debounced(() => {
    beingSet.delete("min");
    const value = Number(byId("min").value);
    navigate({ min: value ? value / 100 : null, photo: null });
  }, 250);
  byId("min").addEventListener("input", () => {
    beingSet.add("min");
    showMinimum();
    setMinimum();
  });
  for (const name of ["since", "until"]) {
    // While a year is being typed, the value is 0002, 0020 and 0202 in between.
    const setDate = debounced(() => {
      beingSet.delete(name);
      const { value, validity } = byId(name);
      if (validity.valid && (!value || value >= "1800")) navigate({ [name]: value || null });
    }, 400);
    byId(name).addEventListener("change", () => {
      beingSet.add(name);
      setDate();
    });
  }
  byId("extractor").addEventListener("change", (event) => navigate({ extractor: event.target.value || null }));
  byId("originals").addEventListener("change", (event) => navigate({ originals: event.target.checked ? "yes" : null, box: null }));
  byId("turned").addEventListener("change", (event) => navigate({ turned: event.target.checked ? "yes" : null }));
  byId("offline").addEventListener("change", (event) => navigate({ offline: event.target.checked ? null : "hide" }));
}
