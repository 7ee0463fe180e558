// The library: current activity, folders, failures and extractors.

import { get, index, post, send, withQuery } from "./api.js";
import { button, byId, debounced, h, icon, show } from "./dom.js";
import * as connection from "./connection.js";
import { ask, complain, say } from "./notices.js";
import { addressOf, changed, go } from "./state.js";
import { agoOf, count, shown, sizeOf } from "./text.js";

const isHere = () => !byId("view-library").hidden;
let home = "";

export async function follow() {
  const adds = /[?&]add(?:[&=]|$)/.test(location.search);
  if (adds) byId("add-path").focus();
  if (connection.status) showAll(connection.status);
  connection.refresh().catch(complain);
  showFailures();
  showEvaluations();
  suggest();
}

function showAll(status) {
  if (!isHere()) return;
  showNow(status);
  showFolders(status.folders);
}

// Now.

function showNow(status) {
  const { daemon } = status;
  const { text, time, value } = connection.describeActivity();
  byId("now").textContent = [text || "Everything is up to date", time].filter(Boolean).join(" \u00b7 ");
  const bar = byId("now-bar");
  show(bar, Boolean(daemon?.activity) && !daemon.paused);
  if (value === null || value === undefined) bar.removeAttribute("value");
  else bar.value = value;
  show(byId("resume"), Boolean(daemon?.paused));
  for (const id of ["pause", "pause-for"]) show(byId(id), Boolean(daemon) && !daemon.paused);
  const figures = [
    ["Photos", status.photos.toLocaleString()],
    ["Waiting to be indexed", status.pending ? status.pending.toLocaleString() : ""],
    ["From their thumbnails so far", status.preliminary ? `${status.preliminary.toLocaleString()} (${share(status)})` : ""],
    ["Could not be read", status.failed ? status.failed.toLocaleString() : ""],
    ["Damaged in part", status.noted ? status.noted.toLocaleString() : ""],
    ["Search", status.search?.explanation ?? ""],
    ["Size of the library", `${sizeOf(status.bytes)} in ${shown(status.home)}`],
  ];
  byId("figures").replaceChildren(
    ...figures
      .filter(([, what]) => what)
      .map(([name, what]) => h("div", {}, h("dt", {}, name), h("dd", {}, h("bdi", {}, what)))),
  );
  byId("problems").replaceChildren(...status.problems.map((problem) => h("li", {}, shown(problem))));
  show(byId("problems"), status.problems.length > 0);
  const coming = status.coming.map((one) =>
    ` ${shown(one.extractor)} ${shown(one.version ?? "")} has embedded ${one.embedded.toLocaleString()} of ${count(one.photos, "photo")} so far; ${shown(status.answered_by.join(" and "))} answers until then.`);
  byId("compared-by").textContent = `Photos are compared with ${shown(status.extractor)}.${coming.join("")}`;
}

const share = ({ preliminary, photos }) => `${Math.round((100 * preliminary) / Math.max(1, photos))}\u202f%`;

async function doing(work) {
  try {
    await work();
    return true;
  } catch (error) {
    complain(error);
    return false;
  }
}

// Folders.

function showFolders(folders) {
  const list = byId("folders");
  const focused = document.activeElement?.closest?.("#folders li")?.dataset.path;
  const which = document.activeElement?.dataset?.name;
  list.replaceChildren(...folders.map(folderRow));
  if (!folders.length) list.append(h("li", { class: "none" }, "No folders yet."));
  if (focused !== undefined && which) {
    [...list.children].find((row) => row.dataset.path === focused)?.querySelector(`[data-name=${which}]`)?.focus();
  }
}

function folderRow(folder) {
  const path = shown(folder.path);
  const watched = { events: "watched for changes", polled: "scanned regularly" }[folder.watched];
  const facts = [
    count(folder.photos, "photo"),
    folder.state === "offline" ? null : watched,
    folder.scanned ? `scanned ${agoOf(folder.scanned)}` : "not scanned yet",
    folder.excludes.length ? `without ${folder.excludes.map(shown).join(", ")}` : null,
  ];
  return h(
    "li",
    { data: { path: folder.path } },
    h(
      "div",
      { class: "about" },
      h("a", {
        class: "path",
        href: addressOf(changed({ view: "photos", folder: folder.path, like: [], since: null, until: null, tags: null })),
        data: { name: "browse" },
        on: {
          click(event) {
            if (event.ctrlKey || event.metaKey) return;
            event.preventDefault();
            go(changed({ view: "photos", folder: folder.path, like: [], since: null, until: null, tags: null }));
          },
        },
      }, h("bdi", {}, path)),
      folder.state === "offline"
        ? h("span", { class: "state" }, `offline${folder.reason ? `: ${shown(folder.reason)}` : ""}`)
        : null,
      h("p", {}, facts.filter(Boolean).join(" \u00b7 ")),
    ),
    h(
      "div",
      { class: "row" },
      button("Exclude\u2026", () => changeExcludes(folder), {
        icon: "filter", data: { name: "excludes" }, "aria-label": `Exclude\u2026: ${path}`,
      }),
      button("Look for changes", () => look([folder.path]), {
        icon: "refresh", data: { name: "look" }, "aria-label": `Look for changes: ${path}`,
      }),
      button("Remove\u2026", () => removeFolder(folder), {
        icon: "close", class: "danger", data: { name: "remove" }, "aria-label": `Remove\u2026: ${path}`,
      }),
    ),
  );
}

async function changeExcludes(folder) {
  const text = h("textarea", { rows: "6", id: "excludes", spellcheck: "false" });
  text.value = folder.excludes.join("\n");
  const form = h(
    "div",
    { class: "field" },
    h("label", { for: "excludes" }, "Patterns, one per line, as in .gitignore"),
    text,
    h("p", { class: "help" }, "For example: screenshots/ or *.gif. Excluded photos are removed from the library; the files are kept."),
  );
  const yes = await ask("Exclude files", shown(folder.path), "Save", { more: form });
  if (!yes) return;
  const excludes = text.value.split("\n").map((line) => line.trim()).filter(Boolean);
  await doing(() => post("/api/folders", { path: folder.path, excludes }));
  await connection.refresh().catch(complain);
}

async function removeFolder(folder) {
  const yes = await ask(
    "Remove this folder from the library?",
    `Its ${count(folder.photos, "photo")} are removed from the library. The files are not touched.`,
    "Remove",
    { danger: true, list: [shown(folder.path)] },
  );
  if (!yes) return;
  await doing(async () => {
    const { removed } = await post("/api/folders/remove", { path: folder.path });
    say(`${count(removed, "photo")} removed from the library.`);
  });
  await connection.refresh().catch(complain);
  byId("folders-title").focus?.();
}

async function look(folders, retry = false) {
  say(retry ? "Trying them again." : "Looking for changes.");
  await doing(async () => {
    const report = await index({ folders, retry_failed: retry });
    const done = ["new", "changed", "moved", "removed", "failed"]
      .filter((what) => report[what])
      .map((what) => `${report[what].toLocaleString()} ${what}`);
    say(`${count(report.found, "photo")}: ${done.join(", ") || "nothing new"}.`);
  });
  await connection.refresh().catch(complain);
  if (isHere()) showFailures();
}

async function addFolder(event) {
  event.preventDefault();
  const input = byId("add-path");
  let path = input.value.trim();
  if (!path) return;
  if (home && (path === "~" || /^~[/\\]/.test(path))) path = home + path.slice(1);
  const known = connection.status?.folders.find((folder) => folder.path === path);
  const added = await doing(() => post("/api/folders", { path, excludes: known?.excludes ?? [] }));
  if (!added) return input.focus();
  input.value = "";
  say(`${shown(path)} is added; its photos are being indexed.`);
  await connection.refresh().catch(complain);
}

const suggest = debounced(async () => {
  const typed = byId("add-path").value;
  try {
    const found = await get(withQuery("/api/folders/suggestions", { path: typed }));
    home = found.home;
    byId("add-suggestions").replaceChildren(
      // Paths that are not valid Unicode cannot be typed.
      ...found.folders.filter((path) => path.isWellFormed?.() ?? true).map((path) => h("option", { value: path })),
    );
    const likely = found.folders[0];
    if (!typed && likely) byId("add-path").placeholder = shown(likely);
  } catch {
    // Suggestions are optional.
  }
}, 150);

// Failures.

async function showFailures() {
  const panel = byId("failures-panel");
  try {
    const failures = await get("/api/failures");
    show(panel, failures.length > 0);
    byId("failures-title").textContent = failures.every((one) => one.is_note) ? "Photos with a note" : "Failed photos";
    byId("failures").replaceChildren(
      ...failures.slice(0, 500).map(({ path, reason, extractor, retry, is_note: isNote }) =>
        h(
          "li",
          {},
          h(
            "div",
            { class: "about" },
            h("bdi", { class: "path" }, shown(path)),
            h("p", {}, extractor ? `not embedded by ${extractor}: ${shown(reason)}` : shown(reason)),
            ...(isNote ? [h("p", {}, "it is indexed, as far as it could be read")] : []),
            ...(retry ? [h("p", {}, "it is tried again by itself")] : []),
          ),
        ),
      ),
    );
    if (failures.length > 500) byId("failures").append(h("li", {}, `and ${count(failures.length - 500, "other")}`));
  } catch (error) {
    show(panel, false);
    complain(error);
  }
}

// Evaluations: their reports open beside the page.

async function showEvaluations() {
  try {
    const evaluations = await get("/api/evaluations");
    byId("evaluations").replaceChildren(...evaluations.map(evaluationRow));
  } catch (error) {
    complain(error);
  }
}

async function evaluate(event) {
  event.preventDefault();
  const source = byId("evaluate-path").value.trim();
  const pressed = byId("evaluate").querySelector("button");
  pressed.disabled = true;
  pressed.textContent = "Evaluating\u2026";
  try {
    await post("/api/evaluations", { source });
    say(`The report on ${shown(source)} is there.`);
    byId("evaluate-path").value = "";
    await showEvaluations();
  } catch (error) {
    complain(error);
  } finally {
    pressed.disabled = false;
    pressed.textContent = "Evaluate";
  }
}

function evaluationRow(one) {
  const facts = [
    agoOf(Date.parse(one.created) / 1000),
    `${count(one.photos, "photo")} with ${count(one.classes, "label")}`,
    one.extractors.map(shown).join(", "),
  ];
  return h(
    "li",
    {},
    h(
      "div",
      { class: "about" },
      h("a", { class: "path", href: `/api/evaluations/${encodeURIComponent(one.id)}/report`, target: "_blank", rel: "noopener" },
        h("bdi", {}, shown(one.source))),
      one.complete ? null : h("span", { class: "state" }, "partial"),
      h("p", {}, facts.join(" \u00b7 ")),
    ),
  );
}

// Extractors. Each is tried in a process of its own, so only on request.

async function showExtractors() {
  const list = byId("extractors");
  byId("extractors-title").focus();
  show(byId("show-extractors"), false);
  if (!list.children.length) {
    list.append(h("li", { class: "none" }, h("span", { class: "spinner" }), "Trying each of them\u2026"));
  }
  try {
    const extractors = await get("/api/extractors");
    list.replaceChildren(...extractors.map(extractorRow));
  } catch (error) {
    list.replaceChildren(h("li", { class: "none" }, error.message));
  }
}

function extractorRow(extractor) {
  const facts = [
    extractor.version ? `version ${extractor.version}` : null,
    extractor.dimension ? count(extractor.dimension, "number") + " per photo" : null,
    `${count(extractor.photos, "photo")} embedded`,
    `from ${extractor.distribution}`,
  ];
  return h(
    "li",
    {},
    h(
      "div",
      { class: "about" },
      h("span", { class: "path" }, extractor.name),
      extractor.in_use ? h("span", { class: "state good" }, "in use") : null,
      h("p", {}, facts.filter(Boolean).join(" \u00b7 ")),
      extractor.loading ? h("p", {}, "It is being loaded.") : null,
      extractor.error ? h("p", { class: "bad" }, icon("unplugged"), shown(extractor.error)) : null,
    ),
    h(
      "div",
      { class: "row" },
      extractor.in_use || extractor.error || extractor.loading
        ? null
        : button("Use this one", () => use(extractor), { "aria-label": `Use this one: ${extractor.name}` }),
    ),
  );
}

async function use(extractor) {
  const yes = await ask(
    `Compare photos with ${extractor.name}?`,
    "Photos that it has not embedded yet are read again, which takes a while. Until then the current one answers.",
    "Use it",
  );
  if (!yes) return;
  if (await doing(() => send("PUT", "/api/settings/extractor", { value: extractor.name }))) showExtractors();
}

export function start() {
  connection.on("status", showAll);
  // The "library" event does not hold the counts of the folders.
  const follow = debounced(() => {
    if (!isHere()) return;
    connection.refresh().catch(() => {});
    showFailures();
  }, 700);
  connection.on("library", follow);
  byId("pause").addEventListener("click", () => {
    const seconds = byId("pause-for").value;
    doing(() => post("/api/pause", seconds ? { seconds: Number(seconds) } : {})).then(() => {
      connection.refresh().catch(complain);
      setTimeout(() => byId("resume").focus(), 50);
    });
  });
  byId("resume").addEventListener("click", () => {
    doing(() => post("/api/resume")).then(() => {
      connection.refresh().catch(complain);
      setTimeout(() => byId("pause").focus(), 50);
    });
  });
  byId("look-all").addEventListener("click", () => look(null));
  byId("show-extractors").addEventListener("click", showExtractors);
  byId("retry").addEventListener("click", () => look(null, true));
  byId("add-folder").addEventListener("submit", addFolder);
  byId("add-path").addEventListener("input", suggest);
  byId("evaluate").addEventListener("submit", evaluate);
}
