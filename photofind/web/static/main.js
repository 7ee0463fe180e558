// The page: switching between views, links, and the colour scheme.

import * as query from "./query.js";
import { send } from "./api.js";
import { byId, icon, show } from "./dom.js";
import * as duplicates from "./duplicates.js";
import * as filters from "./filters.js";
import * as grid from "./grid.js";
import * as known from "./known.js";
import * as library from "./library.js";
import * as connection from "./connection.js";
import { complain } from "./notices.js";
import * as photos from "./photos.js";
import * as settings from "./settings.js";
import { apply, go, onChange, parse } from "./state.js";
import * as viewer from "./viewer.js";
import * as words from "./words.js";

const TITLES = { duplicates: "Duplicates", known: "Which of these do I have?", library: "Library", settings: "Settings" };
const HEADINGS = {
  photos: "title", duplicates: "duplicates-title", known: "known-title", library: "library-title", settings: "settings-title",
};
const views = { photos, duplicates, known, library, settings };
let view = null;

onChange(async (state) => {
  const isOther = view !== state.view;
  const before = view;
  view = state.view;
  words.follow();
  for (const name of Object.keys(views)) show(byId(`view-${name}`), name === view);
  for (const link of document.querySelectorAll(".views a")) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (TITLES[view]) document.title = `${TITLES[view]} \u2013 photofind`;
  if (isOther) {
    grid.select(false);
    if (before) {
      scrollTo(0, history.state?.scroll ?? 0);
      if (document.activeElement !== byId("words")) byId(HEADINGS[view]).focus({ preventScroll: true });
    }
    await views[view].follow();
  } else if (view === "photos") {
    await photos.follow();
  } else if (view === "known") {
    await known.follow();
  }
  await viewer.follow();
});

addEventListener("popstate", apply);
history.scrollRestoration = "manual";

// Links within the page are followed without loading it again.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='/']");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const address = new URL(link.href);
  if (address.pathname !== "/") return;
  event.preventDefault();
  go(parse(address.search));
  if (/[?&]find(?:[&=]|$)/.test(address.search)) words.focus();
  if (/[?&]add(?:[&=]|$)/.test(address.search)) byId("add-path").focus();
});

// Light, dark, or like the system.
const schemes = [
  { name: "", icon: "theme", label: "Colours: like the system" },
  { name: "light", icon: "sun", label: "Colours: light" },
  { name: "dark", icon: "moon", label: "Colours: dark" },
];
const theme = byId("theme");
let saved = Promise.resolve();

function showTheme() {
  const now = schemes.find((one) => one.name === (document.documentElement.dataset.theme ?? ""));
  theme.replaceChildren(icon(now.icon));
  theme.setAttribute("aria-label", now.label);
  theme.title = now.label;
}

theme.addEventListener("click", () => {
  const at = schemes.findIndex((one) => one.name === (document.documentElement.dataset.theme ?? ""));
  const { name } = schemes[(at + 1) % schemes.length];
  if (name) document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
  showTheme();
  // One after the other: the last click counts.
  saved = saved.then(() => send("PUT", "/api/settings/theme", { value: name || "system" })).catch(complain);
});

showTheme();
query.start();
filters.start();
photos.start();
words.start();
duplicates.start();
known.start();
library.start();
connection.start();
apply();
