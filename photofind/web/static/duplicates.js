// Groups of photos that show the same picture or scene: what to keep of each.

import { get, pictureOf, post, withQuery } from "./api.js";
import { close, compare, isOpen, showLeft, start as startComparing } from "./compare.js";
import { details, left, loadDetails } from "./copies.js";
import { button, byId, h, show } from "./dom.js";
import { complain, say } from "./notices.js";
import { count, durationOf, folderOf, nameOf, sentence, shown, sizeOf } from "./text.js";
import { moveToTrash, trashed } from "./photo_actions.js";

const AT_ONCE = 40;
const IN_GROUP = 12;
const MORE_FILES = 60;
const IN_REQUEST = 10000;
const LISTED_PAIRS = 100;
const TRIES = 20;
const OFFERED = 200;
const SCENE = "same scene";
const LOOKING = "Looking for duplicates\u2026 Photos that are alike are compared; the first time this may take some minutes.";
const RELATIONS = {
  "identical content": "identical",
  "same picture": "the same picture",
  "same scene": "the same scene",
};

let groups = null;
let kind = "all";
let listed = 0;
let looking = null;

export async function follow() {
  const look = (looking = {}); // A later one replaces it.
  byId("duplicates-summary").textContent = groups ? byId("duplicates-summary").textContent : LOOKING;
  show(byId("duplicates-message"), false);
  try {
    const found = await find();
    if (look !== looking) return;
    take(found);
    await listToldApart();
  } catch (error) {
    if (look === looking) fail(error);
    return;
  }
  goOn(look).catch(() => show(byId("comparing"), false)); // Nobody waits for it.
}

const find = () => get(withQuery("/api/duplicates", { keep: ruleToKeep() }));

function take(found) {
  groups = found.map((group) => ({
    ...group,
    photos: group.ids.map((id, place) => ({ id, path: group.paths[place], done: group.differences[place] ?? [] })),
    keep: new Set(group.proposal.keep),
    going: new Set(group.proposal.trash),
    selected: false,
    listed: IN_GROUP,
  }));
  // Copies come before what shows but the same scene, however large that is.
  groups.sort((one, other) => (one.kind === SCENE) - (other.kind === SCENE));
  details.clear();
  offerFolders();
  list();
}

/** Compare on while the page is looked at, and show what is found where nobody has chosen yet. */
async function goOn(look) {
  const text = byId("comparing-text");
  const known = () => groups.reduce((sum, group) => sum + group.ids.length, 0);
  show(byId("show-found"), false);
  for (;;) {
    const { comparing } = await get("/api/status");
    if (look !== looking) return;
    show(byId("comparing"), Boolean(comparing));
    if (!comparing || byId("view-duplicates").hidden || document.hidden) return;
    const { done, total, seconds_left: seconds } = comparing;
    const time = seconds ? `, ${durationOf(seconds)} left` : "";
    text.textContent = `Comparing photos: ${done.toLocaleString()} of ${total.toLocaleString()}${time}. More may be found.`;
    const found = await find();
    if (look !== looking) return;
    if (found.reduce((sum, group) => sum + group.ids.length, 0) === known()) continue;
    if (isUntouched()) take(found);
    else show(byId("show-found"), true);
  }
}

/** Return whether nobody has chosen anything yet that a new list would lose. */
const isUntouched = () => !isOpen() && !groups.some((group) => group.selected || group.chosen);

/** Return the rule by which it is proposed what to keep: its name, or the path of a folder. */
function ruleToKeep() {
  const rule = byId("keep-rule").value;
  return rule === "folder" ? byId("keep-folder").value : rule;
}

/** Offer the folders in which duplicates lie, those with most of them first. */
function offerFolders() {
  const choice = byId("keep-folder");
  const chosen = choice.value;
  const counts = new Map();
  for (const group of groups) {
    for (const folder of new Set(group.paths.map(folderOf))) counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  if (chosen && !counts.has(chosen)) counts.set(chosen, 0);
  const folders = [...counts.keys()].sort((one, other) => counts.get(other) - counts.get(one)).slice(0, OFFERED);
  if (chosen && !folders.includes(chosen)) folders.push(chosen);
  choice.replaceChildren(...folders.map((folder) => h("option", { value: folder }, shown(folder))));
  if (chosen) choice.value = chosen;
}

function chooseRule() {
  const isFolder = byId("keep-rule").value === "folder";
  show(byId("keep-folder"), isFolder);
  follow();
}

function fail(error) {
  byId("duplicates-summary").textContent = "";
  byId("groups").replaceChildren();
  show(byId("cleaning"), false);
  byId("duplicates-message").replaceChildren(
    h("h2", {}, sentence(error.message)),
    h("p", {}, sentence(error.hint)),
    button("Try again", follow, { icon: "refresh", class: "primary" }),
  );
  show(byId("duplicates-message"), true);
}

const wanted = (group) => left(group).length > 1 && (kind === "all" || group.kind === kind);
const areAllGoing = (group) => left(group).every((photo) => group.going.has(photo.id));
// Where what was to be kept is in the trash by now, the first of the others stays.
const goingOf = (group) => left(group).filter((photo) => group.going.has(photo.id)).slice(areAllGoing(group) ? 1 : 0);
const idsOf = (photos) => new Set(photos.map((photo) => photo.id));
const spareIn = (some) => some.reduce((sum, group) => sum + left(group).length - 1, 0);

function list() {
  const some = groups.filter(wanted);
  const copies = some.filter((group) => group.kind !== SCENE);
  const scenes = some.filter((group) => group.kind === SCENE);
  const parts = [];
  if (copies.length) parts.push(`${count(copies.length, "group")} with ${count(spareIn(copies), "redundant file")}`);
  if (scenes.length) parts.push(`${count(scenes.length, "scene")} with ${count(spareIn(scenes), "more take")}`);
  byId("duplicates-summary").textContent = parts.join(", ");
  byId("groups").replaceChildren();
  listed = 0;
  listMore();
  const message = byId("duplicates-message");
  message.replaceChildren(
    h("h2", {}, "No duplicates"),
    h("p", {}, "No two photos of the library show the same picture."),
  );
  show(message, !some.length);
  show(byId("cleaning"), some.length > 0);
  showSelection();
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
  const name = shown(nameOf(photos[0].path));
  const box = h("input", {
    type: "checkbox",
    class: "select-group",
    "aria-label": `Select: the files of ${name}`,
    on: {
      change() {
        group.selected = box.checked;
        showSelection();
      },
    },
  });
  box.checked = group.selected;
  item.append(
    h(
      "div",
      { class: "group-head" },
      box,
      h("h2", {}, h("bdi", {}, name)),
      h("p", {}, `${count(photos.length, "file")}, ${RELATIONS[group.kind]}`),
      button("Compare", () => compare(group), { icon: "compare", "aria-label": `Compare: the files of ${name}` }),
    ),
    h("p", { class: "proposal" }),
    h("ol", { class: "copies", role: "list" }, ...photos.slice(0, group.listed).map((photo) => cell(group, photo))),
  );
  seen.observe(item);
  item.group = group;
  item.box = box;
  offerMoreFiles(item);
  showProposal(item);
  return item;
}

/** Offer to list more files of a group: each of them can be kept, or let go. */
function offerMoreFiles(item) {
  const { group } = item;
  const more = left(group).slice(group.listed);
  if (!more.length) return;
  const list = item.querySelector(".copies");
  const offer = button(`Show ${count(more.length, "more file")}`, () => {
    const first = list.children.length;
    list.append(...more.slice(0, MORE_FILES).map((photo) => cell(group, photo)));
    group.listed += MORE_FILES;
    offer.remove();
    offerMoreFiles(item);
    showProposal(item);
    describe(item);
    list.children[first].querySelector("button").focus();
  }, { class: "more-files" });
  item.append(offer);
}

function cell(group, photo) {
  const image = h("img", { alt: "", loading: "lazy", decoding: "async" });
  image.src = pictureOf({ kind: "photo", id: photo.id }, 160);
  image.addEventListener("error", () => image.classList.add("missing"));
  const name = shown(nameOf(photo.path));
  return h(
    "li",
    { data: { id: photo.id } },
    h(
      "button",
      {
        type: "button",
        class: "copy",
        "aria-label": `Compare ${name} with the others`,
        on: { click: () => compare(group, photo) },
      },
      image,
    ),
    h("bdi", { class: "name", title: shown(photo.path) }, name),
    h("bdi", { class: "folder" }, shown(nameOf(folderOf(photo.path)))),
    photo.done.length ? h("span", { class: "done" }, photo.done.join(", ")) : null,
    h("span", { class: "facts-line" }),
    h(
      "span",
      { class: "row" },
      button("Keep", () => turn(group, photo), { class: "keep", "aria-label": `Keep: ${name}` }),
      group.kind === "identical content"
        ? null
        : button("Not the same", () => tellApart(group, photo), { class: "quiet", "aria-label": `Not the same: ${name}` }),
    ),
  );
}

/** Keep a photo that was to go, or let one go; one always stays. */
function turn(group, photo) {
  if (areAllGoing(group)) group.going.delete(left(group)[0].id);
  if (group.going.has(photo.id)) group.going.delete(photo.id);
  else group.going.add(photo.id);
  if (areAllGoing(group)) {
    group.going.delete(photo.id);
    say("One photo of a group is always kept. First choose another one to keep.");
  }
  group.chosen = true;
  for (const item of byId("groups").children) if (item.group === group) showProposal(item);
  showSelection();
}

function showProposal(item) {
  const { group } = item;
  const going = goingOf(group);
  const goes = idsOf(going);
  const kept = left(group).filter((photo) => !goes.has(photo.id));
  const names = kept.slice(0, 2).map((photo) => shown(nameOf(photo.path))).join(", ");
  const rest = kept.length > 2 ? ` and ${count(kept.length - 2, "other")}` : "";
  const isLast = areAllGoing(group) ? "what was to be kept is in the trash" : "";
  const why = isLast || (group.chosen ? "as you chose" : group.proposal.reason);
  item.querySelector(".proposal").textContent = going.length
    ? `Keep ${names}${rest}: ${why}. ${count(going.length, "file")} may go.`
    : `Nothing to move: ${why}.`;
  for (const cell of item.querySelectorAll(".copies > li")) {
    const stays = !goes.has(Number(cell.dataset.id));
    cell.classList.toggle("goes", !stays);
    cell.querySelector(".keep").setAttribute("aria-pressed", String(stays));
  }
  item.box.disabled = !going.length;
}

// Several groups at once.

const selected = () => groups.filter((group) => wanted(group) && group.selected && goingOf(group).length);
// What shows but the same scene is not selected with the others.
const selectable = () =>
  groups.filter((group) => wanted(group) && goingOf(group).length && (kind === SCENE || group.kind !== SCENE));

function showSelection() {
  if (!groups) return;
  const some = selected();
  const files = some.reduce((sum, group) => sum + goingOf(group).length, 0);
  const all = selectable();
  const whole = all.length > 0 && all.every((group) => group.selected);
  byId("select-groups").textContent = whole ? "Select none" : `Select all ${count(all.length, "group")}`;
  byId("select-groups").disabled = !all.length;
  byId("trash-groups").textContent = files ? `Move ${count(files, "file")} to trash` : "Move to trash";
  byId("trash-groups").disabled = !files;
  show(byId("scenes-note"), kind === "all" && groups.some((group) => group.kind === SCENE));
  for (const item of byId("groups").children) item.box.checked = item.group.selected;
}

function selectAll() {
  const all = selectable();
  const select = !all.every((group) => group.selected);
  if (select) for (const group of all) group.selected = true;
  else for (const group of groups) group.selected = false;
  showSelection();
}

async function trashSelected() {
  const some = selected();
  const photos = [];
  const kept = [];
  const stays = new Set();
  for (const group of some) {
    const goes = idsOf(goingOf(group));
    for (const photo of left(group)) if (!goes.has(photo.id)) stays.add(photo.id);
  }
  for (const group of some) {
    const going = goingOf(group);
    const goes = idsOf(going);
    const first = [...group.keep, ...group.ids].find((id) => !goes.has(id) && !trashed.has(id));
    for (const photo of going) {
      if (stays.has(photo.id)) continue;
      stays.add(photo.id); // It may be in two groups.
      photos.push(photo);
      kept.push(first);
    }
  }
  try {
    if (!(await moveToTrash(photos.slice(0, IN_REQUEST), kept.slice(0, IN_REQUEST)))) return;
    if (photos.length > IN_REQUEST) return;
    for (const group of some) group.selected = false;
    showSelection();
  } catch (error) {
    complain(error);
  }
}

// Photos that do not show the same.

async function tellApart(group, photo) {
  const others = left(group).filter((one) => one.id !== photo.id).map((one) => one.id);
  try {
    const pairs = await post("/api/duplicates/not-same", { photo: photo.id, others: others.slice(0, IN_REQUEST) });
    say(`${shown(nameOf(photo.path))} is not shown with these photos any more.`, {
      action: "Undo",
      act: () => takeBack(pairs),
    });
    close();
    await follow();
  } catch (error) {
    complain(error);
  }
}

async function takeBack(pairs) {
  try {
    await post("/api/duplicates/not-same/remove", { pairs: pairs.map((one) => one.pair) });
    await follow();
  } catch (error) {
    complain(error);
  }
}

async function listToldApart() {
  const pairs = await get("/api/duplicates/not-same");
  const name = (paths) => (paths.length ? shown(nameOf(paths[0])) : "a photo that is gone");
  byId("told-apart-title").textContent = `Not the same: ${count(pairs.length, "pair")}`;
  byId("told-apart-list").replaceChildren(
    ...pairs.slice(0, LISTED_PAIRS).map((one) =>
      h(
        "li",
        {},
        h("span", { class: "about" }, h("bdi", {}, name(one.first)), " and ", h("bdi", {}, name(one.second))),
        button("Take back", () => takeBack([one]), { "aria-label": `Take back: ${name(one.first)} and ${name(one.second)}` }),
      ),
    ),
  );
  if (pairs.length > LISTED_PAIRS) {
    byId("told-apart-list").append(h("li", { class: "none" }, `and ${count(pairs.length - LISTED_PAIRS, "more pair")}: take some back to see them`));
  }
  show(byId("told-apart"), pairs.length > 0);
}

// The details of a group are fetched when it comes into view.
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    describe(target);
  }
}, { rootMargin: "400px" });

/** Say beside each file that is listed of a group how large it is. */
async function describe(item) {
  await loadDetails(left(item.group).slice(0, item.group.listed));
  for (const cell of item.querySelectorAll(".copies > li")) {
    const known = details.get(Number(cell.dataset.id));
    if (!known?.size) continue;
    const pixels = known.width ? `${known.width} \u00d7 ${known.height}, ` : "";
    cell.querySelector(".facts-line").textContent = `${pixels}${sizeOf(known.size)}`;
  }
}

function afterTrash() {
  if (!groups) return;
  list();
  showLeft();
}

/** List photos that were put back, once the library has them again. */
async function comeBack(ids) {
  if (!groups) return;
  const look = looking;
  for (let tries = 0; tries < TRIES; tries += 1) {
    await new Promise((done) => setTimeout(done, 1500));
    if (byId("view-duplicates").hidden || look !== looking) return;
    const found = await find();
    if (look !== looking) return;
    const there = new Set(found.flatMap((group) => group.ids));
    if (tries + 1 < TRIES && !ids.every((id) => there.has(id))) continue;
    if (isUntouched()) take(found);
    else list();
    return;
  }
}

/** Go back to where two files of a group were compared from. */
function closed(group) {
  const item = [...byId("groups").children].find((one) => one.group === group);
  (item?.querySelector(".group-head button") ?? byId("duplicates-title")).focus();
}

export function start() {
  startComparing(tellApart, closed);
  document.addEventListener("trashed", afterTrash);
  document.addEventListener("restored", ({ detail: ids }) => {
    if (!byId("view-duplicates").hidden) comeBack(ids).catch(complain);
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
  byId("keep-rule").addEventListener("change", chooseRule);
  byId("keep-folder").addEventListener("change", follow);
  byId("show-found").addEventListener("click", follow);
  byId("select-groups").addEventListener("click", selectAll);
  byId("trash-groups").addEventListener("click", trashSelected);
}

