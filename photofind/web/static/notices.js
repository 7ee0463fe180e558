// Notices, errors and questions.

import { button, byId, h, show } from "./dom.js";
import { sentence } from "./text.js";

const LONG = 6000;

/** Return the topmost dialog, or the page. */
function front() {
  const open = [...document.querySelectorAll("dialog[open]")];
  return open.at(-1) ?? document.body;
}

/** Move the notices into the topmost dialog, so that they can be clicked. */
export function bringForward() {
  const toasts = byId("toasts");
  if (toasts.parentElement !== front()) front().append(toasts);
}

/** Show a notice and return what closes it; one with an action, or that stays, does not end by itself. */
export function say(text, { action, act, bad = false, stays = false } = {}) {
  bringForward();
  const toast = h("div", { class: bad ? "toast bad" : "toast" }, h("p", {}, text));
  const close = () => toast.remove();
  if (action) {
    toast.append(
      button(action, () => {
        close();
        act();
      }, { class: "primary" }),
    );
  }
  toast.append(
    button("", close, { icon: "close", class: "quiet round", "aria-label": "Close this notice" }),
  );
  const list = byId("toast-list");
  list.append(toast);
  while (list.children.length > 3) list.firstElementChild.remove();
  if (!action && !stays) setTimeout(close, bad ? 2 * LONG : LONG);
  return close;
}

/** Show an error. */
export function complain(error) {
  if (error.name === "AbortError") return;
  say([error.message, error.hint].filter(Boolean).map(sentence).join(" "), { bad: true });
}

/** Ask for confirmation; resolves to whether it was given. */
export function ask(title, text, yes, { danger = false, list = [], more = null } = {}) {
  const dialog = byId("ask");
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-list").replaceChildren(...list.map((item) => h("li", {}, item)));
  show(byId("ask-list"), list.length > 0);
  byId("ask-more").replaceChildren(...(more ? [more] : []));
  byId("ask-yes").textContent = yes;
  byId("ask-yes").classList.toggle("danger", danger);
  dialog.returnValue = "";
  dialog.showModal();
  (more?.querySelector("input, textarea, select") ?? byId(danger ? "ask-no" : "ask-yes")).focus();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        bringForward();
        resolve(dialog.returnValue === "yes");
      },
      { once: true },
    );
  });
}
