// The connection to the daemon: its status, its events, and whether it answers.

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
let changes = 0; // Of the status, by answers and events.

/** Call `listener(data)` for events of a kind; "status", "first" and "back" are this page's own. */
export function on(kind, listener) {
  listeners.set(kind, [...(listeners.get(kind) ?? []), listener]);
}

function emit(kind, data) {
  for (const listener of listeners.get(kind) ?? []) listener(data);
}

/** Fetch the status and notify the listeners. */
export async function refresh() {
  let answer, before;
  let rounds = 0;
  do {
    before = changes;
    answer = await get("/api/status");
    rounds += 1;
  } while (before !== changes && rounds < 5); // What came meanwhile may be newer than the answer.
  const isFirst = !status;
  changes += 1;
  status = answer;
  activity = status.daemon?.activity ?? null;
  emit("status", status);
  if (isFirst) emit("first", status);
  showActivity();
  return status;
}

export function start() {
  connect();
  document.addEventListener("unreachable", onLost);
  // Browsers allow six connections per server for all tabs together, so hidden tabs must not hold
  // any. They fetch what they missed when they are shown again.
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
  takeKey();
  source.onopen = () => {
    pause = 1000;
    const before = status?.photos;
    refresh().then(() => {
      if (before !== undefined && before !== status.photos) emit("library", status);
      onReconnected();
    }, () => {});
  };
  source.onerror = onLost;
  for (const kind of ["activity", "library", "folders", "state", "notice"]) {
    source.addEventListener(kind, (event) => onEvent(kind, JSON.parse(event.data)));
  }
  source.addEventListener("stopping", onLost);
}

function onEvent(kind, data) {
  if (kind !== "notice") changes += 1;
  if (!status) return; // It is being fetched, and will include this event.
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
  emit(kind, data);
  if (kind === "notice") return;
  emit("status", status);
  showActivity();
}

// Losing the daemon, and finding it again.

function onLost() {
  if (!gone) {
    gone = true;
    document.body.classList.add("gone");
    byId("banner-text").textContent =
      "photofind has stopped. Start it from its menu, or with \u201cphotofind daemon start\u201d; " +
      "this page reconnects by itself.";
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
    const answer = await fetch("/api/status");
    if ([401, 421].includes(answer.status)) {
      // Another daemon: it has a name of its own, and does not know this browser's cookie.
      const address = await addressOfReturn();
      if (address) return location.replace(address);
      byId("banner-text").textContent =
        "photofind was restarted and no longer knows this page. Open it again from " +
        "its menu, or with \u201cphotofind web\u201d.";
    }
    if (answer.ok) return connect();
  } catch {
    // Not reachable yet.
  }
  onLost();
}

// The page and the next daemon prove to each other that they know a key, by which the page is let in
// at the name of that daemon. The key never leaves this module, so another program that listens on
// the port gets only useless proofs, and cannot lead the page anywhere.

let key = null;

async function takeKey() {
  key = await get("/api/return/key").catch(() => key);
}

/** Return where the next daemon lets this page in; null if this is not the next daemon. */
async function addressOfReturn() {
  if (!key || !crypto.subtle || (await isWatched())) return null;
  const own = hex(crypto.getRandomValues(new Uint8Array(16)));
  const asked = new URLSearchParams({ page: key.page, question: own });
  const answer = await fetch(`/api/return?${asked}`);
  if (!answer.ok) return null;
  const { question, host, proof } = await answer.json();
  const here = `${question} ${location.port} ${host}`;
  if (proof !== (await signed(`daemon ${own} ${here}`))) return null;
  const query = new URLSearchParams({ page: key.page, question, proof: await signed(`page ${here}`) });
  query.set("to", location.pathname + location.search);
  return `${location.protocol}//${host}:${location.port}/return?${query}`;
}

async function signed(message) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const bytes = Uint8Array.from(key.key.match(/../g), (two) => parseInt(two, 16));
  const secret = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign"]);
  return hex(new Uint8Array(await crypto.subtle.sign("HMAC", secret, new TextEncoder().encode(message))));
}

const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Return whether a service worker came between the page and the daemon; photofind has none. */
async function isWatched() {
  const workers = (await navigator.serviceWorker?.getRegistrations()) ?? [];
  await Promise.all(workers.map((worker) => worker.unregister()));
  return workers.length > 0;
}

function onReconnected() {
  if (!gone) return;
  gone = false;
  document.body.classList.remove("gone");
  show(byId("banner"), false);
  if (status.daemon && status.daemon.version !== document.body.dataset.version) {
    location.reload(); // Another version has another page.
    return;
  }
  emit("back", status);
}

// The activity, in a few words.

/** Return the daemon's activity and progress as text. */
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
  element.setAttribute("aria-label", text); // Small windows show but a dot.
  show(element, Boolean(text));
}
