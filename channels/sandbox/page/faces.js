// Faces: initials on a colour of one's own; Parley has its mark.

import { h, icon } from "./dom.js";
import { hue, initials } from "./words.js";

export function avatar(name, { app = false, size = "" } = {}) {
  return h("span", { class: ["avatar", size, app ? "is-app" : `hue-${hue(name)}`], "aria-hidden": "true" }, app ? icon("mark") : initials(name));
}
