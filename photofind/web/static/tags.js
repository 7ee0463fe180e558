// The tags of a photo in the viewer: links to the photos with each, and what a person says of them.

import { post } from "./api.js";
import { button, h } from "./dom.js";
import { complain } from "./notices.js";
import { addressOf, changed } from "./state.js";
import { percentOf, shown } from "./text.js";

/** Return links to the photos with each of the tags. */
export function tagLinks(tags) {
  if (!tags?.length) return null;
  return h("ul", { class: "tags" }, ...tags.map((tag) => h("li", {}, link(tag))));
}

/**
 * Return the tags of a photo, each with what says that it is right or wrong, and a field for another.
 * `changedTo` is called with the photo as it is then. A photo whose details are not there has none.
 */
export function tagsOf(photo, changedTo) {
  if (!photo.tags || photo.failure || photo.preliminary) return tagLinks(photo.tags);
  const say = async (judgement) => {
    try {
      const { photos } = await post("/api/photos/tags", { photos: [photo.id], ...judgement });
      changedTo(photos[0]);
    } catch (error) {
      complain(error);
    }
  };
  const right = photo.tags.map((tag) => h("li", { class: "judged-tag" }, link(tag),
    small("\u2713", tag.confirmed ? `Take back that ${tag.name} is right` : `${tag.name} is right`,
      () => say({ [tag.confirmed ? "forget" : "add"]: [tag.name] }), tag.confirmed),
    small("\u2715", `${tag.name} is wrong`, () => say({ remove: [tag.name] })),
  ));
  const wrong = (photo.rejected ?? []).map((name) => h("li", { class: "judged-tag rejected" },
    h("s", {}, h("bdi", {}, shown(name))),
    small("\u21ba", `Take back that ${name} is wrong`, () => say({ forget: [name] })),
  ));
  return h("div", { class: "tagging" },
    right.length + wrong.length ? h("ul", { class: "tags" }, ...right, ...wrong) : null,
    adding((name) => say({ add: [name] })));
}

function link({ name, confidence, confirmed }) {
  return h(
    "a",
    {
      href: addressOf(changed({
        view: "photos", like: [], unlike: [], folder: null, since: null, until: null, tags: [name],
      })),
      title: "Photos with this tag",
    },
    h("bdi", {}, shown(name)),
    confidence === undefined || confirmed ? null : h("span", { class: "number" }, ` ${percentOf(confidence)}`),
  );
}

function small(sign, title, act, pressed) {
  return button(sign, act, {
    class: "quiet", title, "aria-label": title, "aria-pressed": pressed === undefined ? null : String(pressed),
  });
}

/** Return a form that takes another tag. */
function adding(add) {
  const field = h("input", { type: "text", maxlength: "200", placeholder: "Add a tag", "aria-label": "Add a tag", autocomplete: "off" });
  const form = h("form", {}, field);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (field.value.trim()) add(field.value.trim());
  });
  // The viewer's keys are letters here.
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") event.stopPropagation();
  });
  return form;
}
