// Arguments exactly as they will be used: nothing in a value may hide, or pass for something else.

import { h } from "/look/dom.js";

const HIDDEN = /[\p{C}\p{Zl}\p{Zp}\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0e\u{e0100}-\u{e01ef}]/gu;

/** Every character that nobody would see is named: ⟨U+200B⟩. Line ends stay. */
export const visible = (text) =>
  String(text).replace(HIDDEN, (hidden) => (hidden === "\n" ? hidden : `⟨U+${hidden.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`));

export function shown(value) {
  return visible(typeof value === "string" && !ambiguous(value) ? value : JSON.stringify(value));
}

/** Whether a bare text could be read as a number, a flag, nothing, or less than it is. */
export function ambiguous(text) {
  if (!text || text !== text.trim() || /^["[{│]/.test(text)) return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export const argumentList = (values) =>
  h("dl", { class: "arguments" }, Object.entries(values).map(([name, value]) => [h("dt", {}, visible(name)), h("dd", {}, shown(value))]));
