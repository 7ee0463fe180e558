// What happens in the daemon, as it happens, and whether it is there at all.

import { get } from "./api.js";
import { byId, show } from "./dom.js";
import { count, durationOf } from "./text.js";

export let status = null;
const listeners = new Map();
let source = null;
let again = 0;
let pause = 1000;
let gone = false;
let activity = null;

/** Have `listener(data)` called for events of a kind; "status" and "back" are this page's own. */
export function on(kind, listener) {
  listeners.set(kind, [...(listeners.get(kind) ?? []), listener]);
}

function tell(kind, data) {
  for (const listener of listeners.get(kind) ?? []) listener(data);
}

/** Ask how the library is, and tell all who show it. */
export async function refresh() {
  const isFirst = !status;
  status = await get("/api/status");
  activity = status.daemon?.activity ?? null;
  tell("status", status);
  if (isFirst) tell("first", status);
  showActivity();
  return status;
}

export function start() {
  connect();
  takeKey();
  document.addEventListener("unreachable", lost);
  // Browsers keep six connections to a server, for all tabs together: those that nobody looks at
  // must not hold any. What they miss they are told when they are looked at again.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) disconnect();
    else if (gone) retry();
    else connect();
  });
}

function disconnect() {
  clearTimeout(again);
  source?.close();
  source = null;
}

function connect() {
  disconnect();
  if (document.hidden) return;
  source = new EventSource("/api/events");
  source.onopen = () => {
    pause = 1000;
    const before = status?.photos;
    refresh().then(() => {
      if (before !== undefined && before !== status.photos) tell("library", status);
      found();
    }, () => {});
  };
  source.onerror = lost;
  for (const kind of ["activity", "library", "folders", "state", "notice"]) {
    source.addEventListener(kind, (event) => heard(kind, JSON.parse(event.data)));
  }
  source.addEventListener("stopping", lost);
}

function heard(kind, data) {
  if (!status) return; // It is being asked for, and tells all this too.
  if (kind === "activity") {
    activity = data;
    status = { ...status, daemon: { ...status.daemon, activity } };
  } else if (kind === "library") {
    const { photos, preliminary, failed } = data;
    status = { ...status, photos, preliminary, failed };
  } else if (kind === "folders") {
    status = { ...status, folders: data };
  } else if (kind === "state") {
    status = { ...status, daemon: { ...status.daemon, ...data } };
  }
  tell(kind, data);
  if (kind === "notice") return;
  tell("status", status);
  showActivity();
}

// The daemon is gone, and comes back.

function lost() {
  if (!gone) {
    gone = true;
    document.body.classList.add("gone");
    byId("banner-text").textContent =
      "photofind has stopped. Start it from its menu, or with \u201cphotofind daemon start\u201d; " +
      "this page goes on by itself.";
    show(byId("banner"), true);
  }
  disconnect();
  if (document.hidden) return;
  again = setTimeout(retry, pause);
  pause = Math.min(pause * 1.5, 10000);
}

async function retry() {
  clearTimeout(again);
  try {
    let answer = await fetch("/api/status");
    // It is another one, which does not know this browser by its cookie.
    if (answer.status === 401 && (await isLetIn())) answer = await fetch("/api/status");
    if (answer.status === 401) {
      byId("banner-text").textContent =
        "photofind was started anew, and does not know this page any more. Open it again from " +
        "its menu, or with \u201cphotofind gallery\u201d.";
    }
    if (answer.ok) return connect();
  } catch {
    // Not yet.
  }
  lost();
}

// This page proves to the next daemon that the last one let it in. Its key stays in this module:
// whoever else might listen on the port meanwhile gets a proof that is good for nothing.

let key = null;

async function takeKey() {
  key = await get("/api/return/key").catch(() => null);
}

async function isLetIn() {
  if (!key || !crypto.subtle) return false;
  const { question } = await (await fetch("/api/return")).json();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const bytes = Uint8Array.from(key.key.match(/../g), (two) => parseInt(two, 16));
  const secret = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign"]);
  const said = new TextEncoder().encode(`${question} ${location.port}`);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", secret, said));
  const proof = [...mac].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const query = new URLSearchParams({ page: key.page, question, proof });
  return (await fetch(`/api/return?${query}`, { method: "POST" })).ok;
}

function found() {
  if (!gone) return;
  gone = false;
  document.body.classList.remove("gone");
  show(byId("banner"), false);
  if (status.daemon && status.daemon.version !== document.body.dataset.version) {
    location.reload(); // It is a newer one, with a page of its own.
    return;
  }
  tell("back", status);
}

// What it does, in a few words.

/** Return what the daemon does and how far it is, for people. */
export function describeActivity() {
  const daemon = status?.daemon;
  if (!daemon) return { kind: "idle", text: "" };
  if (daemon.paused) {
    const until = daemon.paused_until;
    const clock = until && new Date(until * 1000).toLocaleTimeString([], { timeStyle: "short" });
    return { kind: "paused", text: clock ? `Paused until ${clock}` : "Paused" };
  }
  if (activity) {
    const { phase, done, total, seconds_left: left } = activity;
    const words = phase.charAt(0).toUpperCase() + phase.slice(1);
    const far = total ? `${done.toLocaleString()} of ${total.toLocaleString()}` : done ? done.toLocaleString() : "";
    const time = left ? `${durationOf(left)} left` : "";
    return {
      kind: "working", text: [words, far].filter(Boolean).join(" "), time,
      value: total ? done / total : null,
    };
  }
  if (daemon.waiting) return { kind: "paused", text: `Waiting: ${daemon.waiting}` };
  if (status.problems?.length) return { kind: "problem", text: count(status.problems.length, "problem") };
  return { kind: "idle", text: "" };
}

function showActivity() {
  const { kind, text } = describeActivity();
  const element = byId("activity");
  element.dataset.kind = kind;
  element.querySelector(".activity-text").textContent = text;
  show(element, Boolean(text));
}
