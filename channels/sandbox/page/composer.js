// Where people write: grows with its text, Enter sends, Shift+Enter breaks the line, @ and # complete.

import { fill, h, icon } from "/look/dom.js";

let composers = 0;

/** `options(sign)` lists {name, label, hint} for "@" and "#"; `send(text)` may fail, then the text stays. */
export function composer({ options, send }) {
  const id = `composer-${++composers}`;
  const area = h("textarea", {
    rows: 1, spellcheck: "false",
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": `${id}-list`, "aria-haspopup": "listbox",
  });
  const list = h("ul", { class: "completions", role: "listbox", id: `${id}-list`, hidden: true, "aria-label": "Suggestions" });
  const button = h("button", { class: "send", type: "submit", "aria-label": "Send", title: "Send (Enter)" }, icon("send"));
  const form = h("form", { class: "composer" }, list, area, button);
  let found = [];
  let at = 0;

  const grow = () => {
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, 220)}px`;
    area.style.overflowY = area.scrollHeight > 220 ? "auto" : "hidden";
    button.disabled = !area.value.trim();
  };

  const word = () => /(^|[\s(])([@#])([\p{L}\p{N}._-]*)$/u.exec(area.value.slice(0, area.selectionStart));

  const suggest = () => {
    const m = word();
    const typed = m?.[3].toLowerCase();
    found = m ? options(m[2]).filter((o) => o.name.toLowerCase().startsWith(typed) || o.label.toLowerCase().split(" ").some((w) => w.startsWith(typed))).slice(0, 6) : [];
    at = 0;
    show();
  };

  const show = () => {
    list.hidden = !found.length;
    area.setAttribute("aria-expanded", String(!list.hidden));
    if (list.hidden) area.removeAttribute("aria-activedescendant");
    else area.setAttribute("aria-activedescendant", `${id}-${at}`);
    fill(list, found.map((o, i) =>
      h("li", { role: "option", id: `${id}-${i}`, "aria-selected": String(i === at), onmousedown: (event) => (event.preventDefault(), complete(o)) },
        h("strong", {}, o.label), h("span", { class: "muted" }, o.hint))));
  };

  const complete = (option) => {
    const m = word();
    const start = area.selectionStart - m[3].length;
    area.setRangeText(`${option.name} `, start, area.selectionStart, "end");
    found = [];
    show();
    grow();
  };

  const submit = async () => {
    const text = area.value.trim();
    if (!text || button.disabled) return;
    button.disabled = true;
    if (await send(text)) area.value = "";
    grow();
    area.focus();
  };

  area.addEventListener("input", () => (grow(), suggest()));
  area.addEventListener("blur", () => ((found = []), show()));
  area.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (found.length && move) at = (at + move + found.length) % found.length;
    else if (found.length && (event.key === "Enter" || event.key === "Tab")) complete(found[at]);
    else if (found.length && event.key === "Escape") found = [];
    else if (event.key === "Enter" && !event.shiftKey) submit();
    else return;
    event.preventDefault();
    event.stopPropagation();
    show();
  });
  form.addEventListener("submit", (event) => (event.preventDefault(), submit()));
  grow();
  return { element: form, area };
}
