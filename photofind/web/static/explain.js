// Why a photo is a hit: both photos with the regions that carry their likeness, and the reasons.
//
// A cell of one photo is chosen with the pointer, a touch or the arrow keys; the other photo then
// shows what it matches.

import { pictureOf, post } from "./api.js";
import { byId, h, show } from "./dom.js";
import { counts } from "./feedback.js";
import { bringForward } from "./notices.js";
import { lookUp, titleOf } from "./query.js";
import { addressOf, changed, go, state } from "./state.js";
import { nameOf, percentOf, sentence, shown } from "./text.js";

const SIDE = 460;
const SIDES = ["query", "hit"];
const SVG = "http://www.w3.org/2000/svg";
// Laid over what carries nothing, and over what carries the most: red, green, blue, opacity.
const COLD = [8, 9, 12, 0.68];
const WARM = [255, 176, 0, 0.2];
// Cells that are less alike than this, as a cosine, are not shown in full light.
const WEAK = 0.4;

const dialog = byId("why");
const says = byId("why-says");
const asked = byId("why-asked");
const extractor = byId("why-extractor");

let photo = null; // The hit.
let explanation = null;
let chosen = null; // The cell: its side and its number.
let asking = null;

/** Explain why a photo is a hit of the query. */
export async function explain(hit) {
  if (dialog.open) return;
  photo = hit;
  show(byId("why-asked-field"), state.like.length > 1);
  clear();
  dialog.showModal();
  bringForward();
  byId("why-title").focus();
  const names = await Promise.all(state.like.map(lookUp));
  asked.replaceChildren(...names.map((about, place) => h("option", { value: place }, titleOf(about))));
  await ask();
}

/** Show that both photos are being looked at. */
function clear() {
  asking?.abort();
  explanation = chosen = null;
  byId("why-sentence").textContent = "Looking at both photos\u2026";
  for (const part of ["why-sides", "why-more", "why-help", "why-extractor-field"]) show(byId(part), false);
  says.textContent = "";
  dialog.setAttribute("aria-busy", "true");
}

async function ask() {
  clear();
  asking = new AbortController();
  const { signal } = asking;
  const item = state.like[Number(asked.value) || 0];
  try {
    explanation = await post(
      "/api/explain",
      { query: referenceTo(item), hit: photo.id, extractor: state.extractor, words: state.words, words_weight: state.weight },
      { signal },
    );
    showExplanation(item);
  } catch (error) {
    if (error.name === "AbortError") return;
    byId("why-sentence").textContent = [error.message, error.hint].filter(Boolean).map(sentence).join(" ");
  } finally {
    if (!signal.aborted) dialog.setAttribute("aria-busy", "false");
  }
}

function referenceTo(item) {
  if (item.kind === "upload") return `upload:${item.id}`;
  return item.kind === "path" ? item.path : item.id;
}

function showExplanation(item) {
  const { parts, notes } = explanation;
  // As percentOf() writes them.
  byId("why-sentence").textContent = shown(explanation.sentence).replace(/(\d)%(?=[\s.,:;])/g, "$1\u202f%");
  const remarks = [...notes, ...remarksOnQuery()];
  byId("why-notes").replaceChildren(...remarks.map((note) => h("li", {}, sentence(note))));
  const mapped = parts.filter((part) => part.query);
  extractor.replaceChildren(
    ...mapped.map((part) => h("option", { value: parts.indexOf(part) }, part.extractor)),
  );
  show(byId("why-extractor-field"), mapped.length > 1);
  const thing = explanation.query.id === null ? item : { kind: "photo", id: explanation.query.id };
  const pictures = { query: thing, hit: { kind: "photo", id: photo.id } };
  for (const side of SIDES) {
    const picture = stageOf(side).querySelector("img");
    picture.src = pictureOf(pictures[side], SIDE);
    const path = explanation[side].path;
    const isUpload = path.startsWith("upload:");
    picture.alt = isUpload ? asked.options[asked.selectedIndex].text : shown(nameOf(path));
    byId(`why-${side}-name`).textContent = picture.alt;
  }
  showFacts();
  showResembling();
  for (const part of ["why-sides", "why-more"]) show(byId(part), true);
  showPart();
}

/** Return what the explanation leaves out of the query. */
function remarksOnQuery() {
  return [
    state.like.length > 1 && "the query has several photos; this is about one of them and its own score",
    state.unlike.length > 0 && "photos that hits should not be like are not looked at",
    counts() && photo.score !== undefined
      && `with what you judged the hit scores ${percentOf(photo.score)}; this is about the two photos alone`,
    state.box && "the query is a part of its photo; this is about the whole photo",
  ].filter(Boolean);
}

function showFacts() {
  const { parts, same, tags, camera } = explanation;
  const facts = [
    ["Score", percentOf(explanation.score)],
    ...parts.map((part) => [part.extractor, aboutPart(part)]),
    ["Words", byWords()],
    ["Neighbours", neighbours()],
    ["Same", same],
    ["Tags of both", tags.join("; ")],
    ["Camera of both", camera],
  ];
  byId("why-facts").replaceChildren(
    ...facts.filter(([, value]) => value).map(([what, value]) =>
      h("div", {}, h("dt", {}, what), h("dd", {}, h("bdi", {}, shown(value))))),
  );
}

function aboutPart(part) {
  const share = explanation.parts.length > 1 ? `, ${percentOf(part.share)} of the similarity` : "";
  const note = part.note ? `. ${sentence(part.note)}` : "";
  return `similarity ${part.similarity.toFixed(2)}${share}${note}`;
}

function byWords() {
  const { words } = explanation;
  if (!words) return "";
  const written = words.matches.map(({ field, text }) => `${field} ${text}`);
  return [`${percentOf(words.score)} by themselves, counting for ${percentOf(words.weight)}`, ...written].join("; ");
}

function neighbours() {
  if (!explanation.resembling_share) return "";
  return `${percentOf(Math.max(explanation.resembling_share, 0))} of the smoothed similarity comes through photos like the query`;
}

function showResembling() {
  const photos = explanation.resembling;
  show(byId("why-resembling-part"), photos.length > 0);
  byId("why-resembling").replaceChildren(...photos.map(({ id, path }) => {
    const name = shown(nameOf(path));
    const address = addressOf(changed({ photo: id }));
    const link = h("a", { href: address, title: name },
      h("img", { src: pictureOf({ kind: "photo", id }, 110), alt: name, loading: "lazy" }));
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      dialog.close();
      go(changed({ photo: id }));
    });
    return h("li", {}, link);
  }));
}

// The regions.

const stageOf = (side) => byId(`why-${side}`);
const partShown = () => explanation?.parts[Number(extractor.value)];

/** Show the cells of the chosen extractor. */
function showPart() {
  chosen = null;
  const part = partShown();
  const isMapped = Boolean(part?.query);
  show(byId("why-help"), isMapped);
  for (const side of SIDES) {
    const stage = stageOf(side);
    stage.tabIndex = isMapped ? 0 : -1;
    stage.classList.toggle("mapped", isMapped);
    stage.querySelector("canvas").hidden = !isMapped;
    stage.querySelector("svg").toggleAttribute("hidden", !isMapped);
    byId(`why-${side}-share`).textContent = isMapped && part[side].share > 0
      ? `\u00b7 ${percentOf(part[side].share)} in the outlined quarter` : "";
    if (!isMapped) continue;
    const { rows, columns } = part[side];
    stage.setAttribute("aria-label", `The ${side} in ${rows} rows of ${columns} parts`);
  }
  if (isMapped) showWeights();
  else says.textContent = sentence(explanation.parts[0].note ?? "");
}

/** Show what each cell carries. */
function showWeights() {
  const part = partShown();
  chosen = null;
  for (const side of SIDES) {
    paint(side, part[side].weights);
    outline(side, part[side].named, null);
  }
  says.textContent = "";
}

/** Show what a cell of one photo matches in the other. */
function showMatches(side, cell) {
  const part = partShown();
  const other = side === "query" ? "hit" : "query";
  const alike = side === "query" ? part.matches[cell] : part.matches.map((row) => row[cell]);
  const best = alike.indexOf(Math.max(...alike));
  chosen = { side, cell };
  paint(side, part[side].weights);
  outline(side, part[side].named, cell);
  paint(other, alike, WEAK);
  outline(other, [], best);
  const speaking = part[side].weights.reduce((sum, one) => sum + Math.max(one, 0), 0);
  const carried = part[side].weights[cell] / Math.max(speaking, 1e-9);
  says.textContent =
    `${placeOf(part[side], cell)} of the ${side} carries ${percentOf(carried)} of what they share. ` +
    `In the ${other} it is most like ${placeOf(part[other], best).toLowerCase()} (cosine ${alike[best].toFixed(2)}).`;
}

function placeOf({ columns }, cell) {
  return `Row ${Math.floor(cell / columns) + 1}, column ${(cell % columns) + 1}`;
}

/** Lay light over the cells with the highest values, from `least` on, and dark over the others. */
function paint(side, values, least = 1e-9) {
  const { rows, columns } = partShown()[side];
  const canvas = stageOf(side).querySelector("canvas");
  Object.assign(canvas, { width: columns, height: rows });
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  const most = Math.max(...values, least);
  values.forEach((value, cell) => {
    const heat = Math.max(value, 0) / most;
    const mixed = COLD.map((cold, place) => cold + heat * (WARM[place] - cold));
    image.data.set([...mixed.slice(0, 3), 255 * mixed[3]], 4 * cell);
  });
  context.putImageData(image, 0, 0);
}

/** Draw the border of some cells, and a frame around one. */
function outline(side, named, framed) {
  const { rows, columns } = partShown()[side];
  const svg = stageOf(side).querySelector("svg");
  svg.setAttribute("viewBox", `0 0 ${columns} ${rows}`);
  const inside = new Set(named);
  const has = (row, column) =>
    row >= 0 && column >= 0 && row < rows && column < columns && inside.has(row * columns + column);
  let border = "";
  for (const cell of named) {
    const [row, column] = [Math.floor(cell / columns), cell % columns];
    if (!has(row - 1, column)) border += `M${column} ${row}h1`;
    if (!has(row + 1, column)) border += `M${column} ${row + 1}h1`;
    if (!has(row, column - 1)) border += `M${column} ${row}v1`;
    if (!has(row, column + 1)) border += `M${column + 1} ${row}v1`;
  }
  const frame = framed === null ? "" : `M${framed % columns} ${Math.floor(framed / columns)}h1v1h-1z`;
  svg.replaceChildren(
    ...[["dark", border], ["light", border], ["dark", frame], ["frame", frame]]
      .filter(([, d]) => d)
      .map(([name, d]) => {
        const path = document.createElementNS(SVG, "path");
        path.setAttribute("d", d);
        path.setAttribute("class", name);
        return path;
      }),
  );
}

/** Return the cell under the pointer. */
function cellAt(side, event) {
  const { rows, columns } = partShown()[side];
  const { left, top, width, height } = stageOf(side).getBoundingClientRect();
  const at = (value, size) => Math.min(Math.max(Math.floor(value * size), 0), size - 1);
  return at((event.clientY - top) / height, rows) * columns + at((event.clientX - left) / width, columns);
}

function point(side, event) {
  if (!partShown()?.query) return;
  const cell = cellAt(side, event);
  if (chosen?.side !== side || chosen.cell !== cell) showMatches(side, cell);
}

function move(side, event) {
  const direction = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!direction || !partShown()?.query) return;
  event.preventDefault();
  const { rows, columns, weights } = partShown()[side];
  if (chosen?.side !== side) {
    showMatches(side, weights.indexOf(Math.max(...weights)));
    return;
  }
  const between = (value, size) => Math.min(Math.max(value, 0), size - 1);
  const row = between(Math.floor(chosen.cell / columns) + direction[0], rows);
  const column = between((chosen.cell % columns) + direction[1], columns);
  showMatches(side, row * columns + column);
}

for (const side of SIDES) {
  const stage = stageOf(side);
  stage.querySelector("img").addEventListener("load", ({ target }) => {
    const ratio = target.naturalWidth / target.naturalHeight;
    stage.parentElement.style.setProperty("--ratio", ratio.toFixed(3));
  });
  stage.addEventListener("pointermove", (event) => point(side, event));
  stage.addEventListener("pointerdown", (event) => point(side, event));
  // A finger that is lifted leaves too: what it touched stays.
  stage.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse" && chosen?.side === side) showWeights();
  });
  stage.addEventListener("keydown", (event) => move(side, event));
  stage.addEventListener("blur", () => {
    if (chosen?.side === side && partShown()?.query) showWeights();
  });
}

asked.addEventListener("change", ask);
extractor.addEventListener("change", showPart);
byId("why-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => {
  asking?.abort();
  bringForward();
});
