// The settings, each of which can be changed and reset.

import { get, send } from "./api.js";
import { button, byId, h, show } from "./dom.js";
import { showAll } from "./feedback.js";
import { complain, say } from "./notices.js";
import { sentence } from "./text.js";

export async function follow() {
  show(byId("settings-message"), false);
  try {
    const settings = await get("/api/settings");
    byId("settings").replaceChildren(...settings.map(row));
    await showAll();
  } catch (error) {
    byId("settings").replaceChildren();
    byId("settings-message").replaceChildren(
      h("h2", {}, sentence(error.message)),
      h("p", {}, sentence(error.hint)),
      button("Try again", follow, { icon: "refresh", class: "primary" }),
    );
    show(byId("settings-message"), true);
  }
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

function row(setting) {
  const { name, value, help } = setting;
  const standard = setting.default;
  const id = `setting-${name}`;
  const input = inputFor(setting, id);
  const title = name.replaceAll("_", " ");
  const save = button("Save", () => change(), { class: "primary", "aria-label": `Save: ${title}` });
  const reset = button("Reset", () => restore(), { "aria-label": `Reset: ${title}, to ${written(standard)}` });
  const form = h(
    "form",
    { class: typeof value === "boolean" ? "setting switch" : "setting", data: { name } },
    h(
      "div",
      { class: "about" },
      h("label", { for: id }, title.charAt(0).toUpperCase() + title.slice(1)),
      h("p", { class: "help", id: `${id}-help` }, `${help.charAt(0).toUpperCase()}${help.slice(1)}.`),
      same(value, standard) ? null : h("p", { class: "help default" }, `Default: ${written(standard)}`),
    ),
    h("div", { class: "row" }, input, save, reset),
  );
  show(save, false);
  show(reset, !same(value, standard));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    change();
  });
  input.addEventListener("input", () => {
    if (typeof value === "boolean") change();
    else show(save, !same(typed(), typeof value === "object" ? value.join("\n") : String(value)));
  });

  function typed() {
    return typeof value === "boolean" ? String(input.checked) : input.value.trim();
  }

  async function change() {
    try {
      await send("PUT", `/api/settings/${name}`, { value: typed() });
      say(`${title.charAt(0).toUpperCase() + title.slice(1)} was changed.`);
      await replace();
    } catch (error) {
      complain(error);
      if (typeof value === "boolean") input.checked = value;
      input.focus();
    }
  }

  async function restore() {
    try {
      await send("DELETE", `/api/settings/${name}`);
      say(`${title.charAt(0).toUpperCase() + title.slice(1)} was reset to ${written(standard)}.`);
      await replace();
    } catch (error) {
      complain(error);
    }
  }

  async function replace() {
    const current = (await get("/api/settings")).find((setting) => setting.name === name);
    const next = row(current);
    const had = form.contains(document.activeElement);
    form.replaceWith(next);
    if (had) next.querySelector("input, textarea").focus();
  }

  return form;
}

function inputFor({ value }, id) {
  const properties = { id, "aria-describedby": `${id}-help` };
  if (typeof value === "boolean") {
    const input = h("input", { ...properties, type: "checkbox", role: "switch" });
    input.checked = value;
    return input;
  }
  if (Array.isArray(value)) {
    const input = h("textarea", { ...properties, rows: String(Math.max(2, value.length)), spellcheck: "false" });
    input.value = value.join("\n");
    return input;
  }
  const input = h("input", {
    ...properties,
    type: typeof value === "number" ? "number" : "text",
    step: typeof value === "number" ? "any" : null,
    autocomplete: "off",
    spellcheck: "false",
  });
  input.value = String(value);
  return input;
}

function written(value) {
  if (typeof value === "boolean") return value ? "on" : "off";
  if (Array.isArray(value)) return value.length ? value.join(", ") : "none";
  return String(value);
}
