// The files of a group of duplicates: which of them are left, and what is known of each.

import { get } from "./api.js";
import { forEachOf } from "./dom.js";
import { trashed } from "./photo_actions.js";

export const details = new Map(); // By photo id.

export const left = (group) => group.photos.filter((photo) => !trashed.has(photo.id));

export async function loadDetails(photos) {
  await forEachOf(photos.filter((photo) => !details.has(photo.id)), 4, async (photo) => {
    try {
      details.set(photo.id, await get(`/api/photos/${photo.id}`));
    } catch {
      details.set(photo.id, { ...photo, gone: true });
    }
  });
}
