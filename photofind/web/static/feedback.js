// Feedback: hits are what was asked for, or not; the order follows at once.

import { get, pictureOf, post, send } from "./api.js";
import { button, byId, h, icon, show } from "./dom.js";
import { ask, complain, say } from "./notices.js";
import { isQuery, navigate, state } from "./state.js";
import { count, nameOf, percentOf, sentence, shown } from "./text.js";

const VERBS = {
  like: { icon: "thumb-up", title: "This is what I am looking for", key: "l" },
  dislike: { icon: "thumb-down", title: "This is not what I am looking for", key: "d" },
};
/** What the keys of a photo in the grid say of it. */
export const KEYS = { l: "like", d: "dislike", u: "forget" };

let feedback = null; // That of the answer shown.
let page = null;
let last = Promise.resolve();

const opinions = () => new Map((feedback?.judged ?? []).map((one) => [one.id, one.liked]));

/** Whether judgements ranked the answer shown. */
export const counts = () => Boolean(feedback?.judged.length || feedback?.metric);

// On the photos.

/** Return the buttons that judge a photo; none where it is no hit. */
export function buttonsFor(photo, name) {
  if (!isQuery() || photo.score === undefined || state.feedback === "no") return [];
  const liked = opinions().get(photo.id);
  return Object.entries(VERBS).map(([verb, { icon: image, title, key }]) =>
    h(
      "button",
      {
        type: "button", class: `judge-${verb}`, tabindex: "-1", data: { judge: verb }, title: `${title} (${key})`,
        "aria-label": `${title}: ${name}`, "aria-pressed": String(liked === (verb === "like")),
      },
      icon(image),
    ));
}

/** Judge a photo: "like", "dislike" or "forget". Doing it again takes it back. */
export function judge(photo, verb) {
  if (!isQuery() || state.feedback === "no") return last;
  const liked = opinions().get(photo.id);
  const again = liked !== undefined && liked === (verb === "like") && verb !== "forget";
  const list = verb === "forget" || again ? "forget" : `${verb}s`;
  // One after the other, so that each answer knows what was said before.
  last = last.then(() => tell({ [list]: [photo.id] }, { name: shown(nameOf(photo.path)), list }));
  return last;
}

async function tell(judgements, { name, list } = {}) {
  const key = page.key();
  try {
    const answer = await post("/api/feedback", { ...page.request(), ...judgements });
    if (key !== page.key()) return;
    await page.replace(answer);
    const said = { likes: "is liked", dislikes: "is left out", forget: "counts as any other photo" }[list];
    if (said) byId("feedback-said").textContent = `${name} ${said}.`;
  } catch (error) {
    complain(error);
  }
}

// Beside the hits: what was judged for this query, and what to judge next.

/** Show what judgements did to an answer; `null` where there is none. */
export function showOf(answer) {
  feedback = answer?.feedback ?? null;
  const panel = byId("feedback");
  const judged = feedback?.judged ?? [];
  const isOff = isQuery() && state.feedback === "no";
  const open = panel.querySelector("details")?.open;
  show(panel, Boolean(answer) && (isOff || judged.length > 0 || Boolean(feedback?.metric)));
  if (panel.hidden) {
    panel.replaceChildren();
    return;
  }
  if (isOff) {
    panel.replaceChildren(
      h("p", {}, "What you judged does not count here."),
      button("Count it", () => navigate({ feedback: null }), { class: "quiet" }),
    );
    return;
  }
  const likes = judged.filter((one) => one.liked).length;
  const parts = [
    likes ? count(likes, "like") : "", judged.length - likes ? count(judged.length - likes, "dislike") : "",
  ].filter(Boolean);
  const ranked = [
    parts.length ? `by your ${parts.join(" and ")}` : "", feedback.metric ? "by what was learned from all your judgements" : "",
  ].filter(Boolean);
  const details = h("details", {}, h("summary", {}, "Judged"), h(
    "ul", { class: "judged" },
    ...judged.map((one) => h(
      "li", { class: one.liked ? "liked" : "disliked" },
      small(one),
      h("span", { class: "name" }, h("span", { class: "what" }, one.liked ? "Liked" : "Left out"), h("bdi", {}, shown(nameOf(one.path)))),
      button("Undo", () => judge(one, "forget"), { class: "quiet", "aria-label": `Undo: ${shown(nameOf(one.path))}` }),
    )),
  ));
  details.open = open ?? false;
  panel.replaceChildren(
    h(
      "div", { class: "panel-head" },
      h("p", {}, `Ranked ${ranked.join(", and ")}.`),
      h(
        "div", { class: "row" },
        button("Show without", () => navigate({ feedback: "no" }), { class: "quiet", title: "Show the hits without what you judged" }),
        judged.length ? button("Take all back", takeAllBack, { class: "quiet" }) : null,
      ),
    ),
    ...(judged.length ? [details] : []),
    ...(feedback.proposals.length ? [proposals()] : []),
  );
}

function proposals() {
  return h(
    "div", { class: "next-to-judge" },
    h("h2", { id: "next-title" }, "Judge these next"),
    h("p", { class: "help" }, "They tell the most about what you are looking for."),
    h(
      "ul", { class: "proposals", "aria-labelledby": "next-title" },
      ...feedback.proposals.map((hit) => h(
        "li", {},
        h("a", { href: `/?like=${hit.id}`, tabindex: "-1", "aria-hidden": "true" }, small(hit, 130)),
        h("div", { class: "row" }, ...buttonsFor(hit, shown(nameOf(hit.path))).map((one) => {
          one.tabIndex = 0;
          one.addEventListener("click", () => judge(hit, one.dataset.judge));
          return one;
        })),
      )),
    ),
  );
}

const small = (photo, side = 56) =>
  h("img", { src: pictureOf({ kind: "photo", id: photo.id }, side), alt: "", loading: "lazy", decoding: "async" });

async function takeAllBack() {
  try {
    await post("/api/feedback/remove", { judgements: [feedback.key] });
    await tell({});
    byId("title").focus({ preventScroll: true });
  } catch (error) {
    complain(error);
  }
}

// In the settings: everything that was judged, and what was learned.

export async function showAll() {
  const panel = byId("judgements");
  try {
    const [judged, metric] = await Promise.all([
      get("/api/feedback"), get("/api/feedback/metric").catch(() => null),
    ]);
    panel.replaceChildren(
      ...(metric ? [learned(metric)] : []),
      list(judged),
    );
  } catch (error) {
    panel.replaceChildren(h("p", {}, sentence(error.message)));
  }
}

function learned(metric) {
  const change = (before, after) => `${percentOf(before)} before, ${percentOf(after)} with it`;
  const facts = [
    ["Learned from", metric.judgements ? `${count(metric.judgements, "judgement")} of ${count(metric.queries, "query", "queries")}` : ""],
    ["Judged photos ranked right", metric.before === null || metric.after === null ? "" : change(metric.before, metric.after)],
    ["Other photos, mean average precision", metric.others_before === null || metric.others_after === null ? "" : change(metric.others_before, metric.others_after)],
  ].filter(([, value]) => value);
  const state = { on: "A metric was learned, and counts", off: "A metric was learned, and is switched off" }[metric.state] ?? "No metric counts";
  const isThere = metric.state !== "none";
  const act = (work) => async () => {
    try {
      await work();
      await showAll();
      byId("judgements").querySelector(".learned h3").focus({ preventScroll: true });
    } catch (error) {
      complain(error);
    }
  };
  return h(
    "section", { class: "learned", "aria-labelledby": "learned-title" },
    h("h3", { id: "learned-title", tabindex: "-1" }, "What was learned from all of them"),
    h("p", { role: "status" }, h("strong", {}, `${state}.`), ` ${sentence(metric.reason)}`),
    facts.length ? h("dl", { class: "figures" }, ...facts.map(([what, value]) => h("div", {}, h("dt", {}, what), h("dd", {}, value)))) : null,
    h(
      "div", { class: "row" },
      isThere
        ? button(metric.state === "on" ? "Switch off" : "Switch on", act(() => send("PUT", "/api/settings/metric", { value: String(metric.state !== "on") })))
        : null,
      isThere ? button("Forget it", act(forget), { class: "danger" }) : null,
      button("Learn now", act(() => post("/api/feedback/metric")), { class: "quiet" }),
    ),
  );
}

async function forget() {
  const yes = await ask("Forget what was learned?", "Your judgements stay. Only what you judge from now on is learned from.", "Forget it", { danger: true });
  if (!yes) return;
  await send("DELETE", "/api/feedback/metric");
  say("What was learned is forgotten.");
}

function list(judged) {
  const queries = new Map();
  for (const one of judged) {
    const key = one.judgement.split(":")[0];
    queries.set(key, [...(queries.get(key) ?? []), one]);
  }
  if (!queries.size) return h("p", { class: "none" }, "Nothing is judged yet: search for photos, and say of hits whether they are right.");
  return h("ul", { class: "rows" }, ...[...queries].map(([key, some]) => group(key, some)));
}

function group(key, some) {
  const { query, words, query_ids: ids } = some[0];
  const title = [...query.map((path) => shown(nameOf(path))), words && `\u201c${words}\u201d`].filter(Boolean).join(", ");
  const name = ids.length === query.length && ids.length
    ? h("a", { href: `/?${ids.map((id) => `like=${id}`).join("&")}` }, h("bdi", {}, title))
    : h("bdi", {}, title);
  return h(
    "li", {},
    h("div", { class: "about" }, h("p", { class: "path asked" }, ...ids.slice(0, 3).map((id) => small({ id })), name), h(
      "details", {},
      h("summary", {}, count(some.length, "judgement")),
      h("ul", { class: "judged" }, ...some.map((one) => h(
        "li", { class: one.liked ? "liked" : "disliked" },
        one.ids.length ? small({ id: one.ids[0] }) : null,
        h("span", { class: "name" }, h("span", { class: "what" }, one.liked ? "Liked" : "Left out"), h("bdi", {}, shown(nameOf(one.paths[0] ?? "a photo that is gone")))),
        button("Undo", () => remove([one.judgement]), { class: "quiet", "aria-label": `Undo: ${shown(nameOf(one.paths[0] ?? ""))}` }),
      ))),
    )),
    button("Take all back", () => remove([key]), { "aria-label": `Take all back: ${title}` }),
  );
}

async function remove(judgements) {
  try {
    const { removed } = await post("/api/feedback/remove", { judgements });
    say(`${count(removed, "judgement was", "judgements were")} taken back.`);
    document.dispatchEvent(new CustomEvent("judged"));
    await showAll();
  } catch (error) {
    complain(error);
  }
}

// In the viewer.

/** Show how the photo of the viewer is judged. */
export function showInViewer(photo) {
  const buttons = byId("viewer").querySelectorAll("[data-judge]");
  const able = buttonsFor(photo, "").length > 0;
  const liked = opinions().get(photo.id);
  for (const one of buttons) {
    show(one, able);
    one.setAttribute("aria-pressed", String(liked === (one.dataset.judge === "like")));
  }
}

/** `to.key()`, `to.request()` and `to.replace(answer)`: of the answer that is shown. */
export function start(to) {
  page = to;
}
