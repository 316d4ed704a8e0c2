// Faces: initials on a colour of one's own; Parley has its mark.

import { h, icon } from "/look/dom.js";

export function avatar(name, { app = false, size = "" } = {}) {
  return h("span", { class: ["avatar", size, app ? "is-app" : `hue-${hue(name)}`], "aria-hidden": "true" }, app ? icon("mark") : initials(name));
}

function initials(name) {
  const words = String(name || "?").replace(/[^\p{L}\p{N} ]/gu, " ").trim().split(/\s+/);
  return ((words[0]?.[0] ?? "?") + (words.length > 1 ? words.at(-1)[0] : "")).toUpperCase();
}

/** One of eight hues, always the same for a name. */
function hue(name) {
  let sum = 0;
  for (const letter of String(name)) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return sum % 8;
}
