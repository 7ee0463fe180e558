// The daemon's API.

import { encodePath } from "./text.js";

/** An error answer of the daemon. */
export class Refusal extends Error {
  constructor(status, { type = "", message = "", hint = "" } = {}) {
    super(message || `photofind answered ${status}`);
    this.status = status;
    this.type = type;
    this.hint = hint;
  }
}

/** The daemon does not answer. */
export class Unreachable extends Error {
  constructor() {
    super("photofind is not responding");
    this.hint = "start it from its menu, or with \u201cphotofind daemon start\u201d";
  }
}

async function ask(method, address, { body, type, signal } = {}) {
  let response;
  try {
    response = await fetch(address, {
      method,
      body,
      headers: type ? { "content-type": type } : {},
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    document.dispatchEvent(new CustomEvent("unreachable"));
    throw new Unreachable();
  }
  if (!response.ok) {
    const answer = await response.json().catch(() => ({}));
    // A new daemon has another name, and does not know this browser's cookie.
    if ([401, 421].includes(response.status)) document.dispatchEvent(new CustomEvent("unreachable"));
    throw new Refusal(response.status, answer.error);
  }
  return response;
}

export async function get(address, options) {
  return (await ask("GET", address, options)).json();
}

/** Send a value as JSON; JSON.stringify escapes lone surrogates, which stand for bytes of paths. */
export async function send(method, address, value, options = {}) {
  const body = value === undefined ? undefined : JSON.stringify(value);
  const response = await ask(method, address, {
    body,
    type: body && "application/json",
    ...options,
  });
  return response.status === 204 || response.status === 202 ? null : response.json();
}

export const post = (address, value, options) => send("POST", address, value, options);

export async function upload(file) {
  const response = await ask("POST", "/api/uploads", {
    body: file,
    type: file.type || "application/octet-stream",
  });
  return (await response.json()).upload.replace(/^upload:/, "");
}

/** Index folders; return the report. */
export async function index(request, progress = () => {}) {
  const response = await ask("POST", "/api/index", {
    body: JSON.stringify(request),
    type: "application/json",
  });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    rest += value ?? "";
    const lines = rest.split("\n");
    rest = done ? "" : lines.pop();
    for (const line of lines.filter((one) => one.trim())) {
      const answer = JSON.parse(line);
      if (answer.error) throw new Refusal(200, answer.error);
      if (answer.report) return answer.report;
      if (answer.progress) progress(answer.progress);
    }
    if (done) throw new Unreachable();
  }
}

/** Return the address with a query string of the given values; lists give one item per value. */
export function withQuery(address, values) {
  const query = Object.entries(values)
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .flatMap(([name, value]) => [value].flat().map((one) => `${name}=${encodePath(String(one))}`));
  return query.length ? `${address}?${query.join("&")}` : address;
}

/** Return the address of a thumbnail that is `side` CSS pixels large. */
export function pictureOf(thing, side) {
  const wanted = side * Math.min(window.devicePixelRatio || 1, 3) * 0.85;
  const size = [128, 256, 512, 1024].find((one) => one >= wanted) ?? 1024;
  if (thing.kind === "upload") return `/api/uploads/${thing.id}/thumbnail?size=${size}`;
  if (thing.kind === "path") return withQuery("/api/thumbnail", { path: thing.path, size });
  return `/api/photos/${thing.id}/thumbnail?size=${size}`;
}
