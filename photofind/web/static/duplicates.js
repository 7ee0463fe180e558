// Groups of photos that show the same picture: what to keep of each, and two of them side by side.

import { get, pictureOf, post, withQuery } from "./api.js";
import { button, byId, forEachOf, h, show } from "./dom.js";
import { bringForward, complain, say } from "./notices.js";
import { count, durationOf, folderOf, momentOf, nameOf, sentence, shown, sizeOf, timeOf } from "./text.js";
import { moveToTrash, run, trashed } from "./photo_actions.js";

const AT_ONCE = 40;
const IN_STRIP = 60;
const IN_REQUEST = 10000;
const LISTED_PAIRS = 100;
const OFFERED = 200;
const SCENE = "same scene";
const LOOKING = "Looking for duplicates\u2026 Photos that are alike are compared; the first time this may take some minutes.";
const RELATIONS = {
  "identical content": "identical",
  "same picture": "the same picture",
  "same scene": "the same scene",
};
const TITLES = {
  "identical content": "Identical files",
  "same picture": "The same picture",
  "same scene": "The same scene",
};

const details = new Map(); // By photo id.
let groups = null;
let kind = "all";
let listed = 0;
let looking = null;

export async function follow() {
  const look = (looking = {}); // A later one replaces it.
  byId("duplicates-summary").textContent = groups ? byId("duplicates-summary").textContent : LOOKING;
  show(byId("duplicates-message"), false);
  try {
    take(await find());
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
  const untouched = () => !dialog.open && !groups.some((group) => group.selected || group.chosen);
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
    if (untouched()) take(found);
    else show(byId("show-found"), true);
  }
}

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

const left = (group) => group.photos.filter((photo) => !trashed.has(photo.id));
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
    h("ol", { class: "copies", role: "list" }, ...photos.slice(0, 12).map((photo) => cell(group, photo))),
  );
  if (photos.length > 12) item.append(h("p", { class: "help" }, `and ${count(photos.length - 12, "more file")}`));
  seen.observe(item);
  item.group = group;
  item.box = box;
  showProposal(item);
  return item;
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
  const photos = [];
  const kept = [];
  const stays = new Set();
  for (const group of selected()) {
    const goes = idsOf(goingOf(group));
    for (const photo of left(group)) if (!goes.has(photo.id)) stays.add(photo.id);
  }
  for (const group of selected()) {
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
    await moveToTrash(photos.slice(0, IN_REQUEST), kept.slice(0, IN_REQUEST));
  } catch (error) {
    complain(error);
  }
}

/** Move one to the trash while the other one is there and whole. */
async function trashOne(photo, other) {
  try {
    await moveToTrash([photo], [other.id]);
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
    if (dialog.open) dialog.close();
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
let stripped = IN_STRIP;

async function compare(group, second = null) {
  const photos = left(group);
  shownGroup = group;
  stripped = IN_STRIP;
  pair = [photos[0], second && second.id !== photos[0].id ? second : photos[1]];
  byId("sides").replaceChildren();
  byId("strip").replaceChildren();
  if (!dialog.open) {
    dialog.showModal();
    bringForward();
    byId("compare-title").focus();
  }
  await showPair();
}

async function showPair() {
  const group = shownGroup;
  const two = pair;
  await loadDetails(two);
  if (shownGroup !== group || pair !== two) return; // Another one was chosen meanwhile.
  const known = two.map((photo) => details.get(photo.id) ?? photo);
  byId("compare-title").textContent = TITLES[group.kind];
  byId("sides").replaceChildren(...known.map((photo, place) => side(photo, known[1 - place])));
  showStrip();
}

function showStrip() {
  const photos = left(shownGroup);
  byId("strip").replaceChildren(...(photos.length > 2 ? photos.slice(0, stripped).map(stripCell) : []));
  if (photos.length > stripped) {
    byId("strip").append(
      button(`${(photos.length - stripped).toLocaleString()} more`, () => {
        const first = stripped;
        stripped += IN_STRIP;
        showStrip();
        byId("strip").children[first]?.focus();
      }, { class: "more-photos" }),
    );
  }
  show(byId("strip"), photos.length > 2);
}

function stripCell(photo) {
  return h(
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
  );
}

/** Return what was done to a photo, compared with the first of its group. */
function doneTo(photo) {
  const place = shownGroup.ids.indexOf(photo.id);
  return (shownGroup.differences[place] ?? []).join(", ");
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
    ["Format", photo.format ?? "", photo.format && other.format && photo.format !== other.format ? "differs" : null],
    ["Camera", photo.camera ?? "", photo.camera && photo.camera !== other.camera ? (other.camera ? "differs" : "known") : null],
    ["Changed", doneTo(photo), null],
    ["Note", photo.note ?? "", null],
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
      button("Move to trash", () => trashOne(photo, other), {
        icon: "trash",
        class: "danger",
        "aria-label": `Move to trash: ${name}`,
      }),
      shownGroup.kind === "identical content"
        ? null
        : button("Not the same", () => tellApart(shownGroup, photo), { "aria-label": `Not the same: ${name}` }),
    ),
  );
}

byId("compare-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => {
  const group = shownGroup;
  shownGroup = null;
  bringForward();
  const item = [...byId("groups").children].find((one) => one.group === group);
  (item?.querySelector(".group-head button") ?? byId("duplicates-title")).focus();
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
  byId("keep-rule").addEventListener("change", chooseRule);
  byId("keep-folder").addEventListener("change", follow);
  byId("show-found").addEventListener("click", follow);
  byId("select-groups").addEventListener("click", selectAll);
  byId("trash-groups").addEventListener("click", trashSelected);
}

