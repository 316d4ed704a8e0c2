// Slack's modals: the topmost open view of the present person, with its fields and errors.

import { blocks } from "./blocks.js";
import { fill, h } from "/look/dom.js";

/** Returns show(views): opens, replaces or closes the dialog so that it shows the topmost view. */
export function modal({ names, submit, close }) {
  const dialog = h("dialog", { class: "modal", "aria-labelledby": "modal-title" });
  document.body.append(dialog);
  let shown = null;

  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    if (shown) close(shown);
  });

  function draw(view) {
    const fields = {};
    const foot = h("p", { class: "field-error", role: "alert" });
    const send = h("button", { class: "button primary", type: "submit" }, view.submit?.text ?? "Submit");
    const form = h("form", { novalidate: true, onsubmit: (event) => (event.preventDefault(), trySubmit()) },
      h("header", { class: "modal-head" }, h("h3", { id: "modal-title" }, view.title?.text ?? ""),
        h("button", { class: "quiet", type: "button", "aria-label": "Close", onclick: () => close(view) }, "✕")),
      h("div", { class: "modal-body" }, blocks(view.blocks, { names, fields })),
      foot,
      h("footer", { class: "modal-foot" },
        h("button", { class: "button", type: "button", onclick: () => close(view) }, view.close?.text ?? "Cancel"),
        view.submit || hasFields(view) ? send : null));

    async function trySubmit() {
      send.disabled = true;
      const missing = required(view, fields);
      const answer = Object.keys(missing).length ? { ok: false, errors: missing } : await submit(view, read(fields));
      send.disabled = false;
      for (const field of form.querySelectorAll(".field")) {
        fill(field.querySelector(".field-error"), answer.errors?.[field.dataset.block] ?? "");
        field.classList.toggle("wrong", Boolean(answer.errors?.[field.dataset.block]));
      }
      fill(foot, answer.ok || answer.errors ? "" : (answer.error ?? "That did not arrive. Try again."));
      form.querySelector(".wrong :is(input, textarea, select)")?.focus();
    }
    return form;
  }

  return (views) => {
    const view = views.at(-1) ?? null;
    const same = view && shown && JSON.stringify(view) === JSON.stringify(shown);
    shown = view;
    if (!view) return dialog.open && dialog.close();
    if (!same) fill(dialog, draw(view));
    if (!dialog.open) dialog.showModal();
    if (!same) dialog.querySelector(".modal-body :is(input, textarea, select)")?.focus();
    return null;
  };
}

const hasFields = (view) => view.blocks.some((block) => block.type === "input");

const read = (fields) =>
  Object.fromEntries(Object.entries(fields).map(([block, actions]) => [block, Object.fromEntries(Object.entries(actions).map(([id, state]) => [id, state()]))]));

function required(view, fields) {
  const empty = (block) => Object.values(fields[block.block_id] ?? {}).every((state) => !Object.entries(state()).some(([key, value]) => key !== "type" && value && value.length !== 0));
  return Object.fromEntries(view.blocks.filter((block) => block.type === "input" && !block.optional && empty(block)).map((block) => [block.block_id, "Please fill this in."]));
}
