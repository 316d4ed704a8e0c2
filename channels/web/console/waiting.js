// What waits for people: questions and approvals as cards. What the operator may decide comes first.

import { argumentList, visible } from "./exact.js";
import { fill, h, reconcile } from "/look/dom.js";
import { lately, onDay, at } from "/look/words.js";

const KINDS = { approval: "Approval needed", question: "Question", outcome: "What became of it?", limit: "Shall it go on?" };

export function waitingView(app) {
  const mine = h("div", { class: "cards" });
  const others = h("div", { class: "cards" });
  const nothing = h("p", { class: "nothing" }, "Nothing waits for you.");
  const theirs = h("h3", { class: "list-head" }, "Waiting for others");
  const element = h("div", { class: "scroller padded" }, nothing, mine, theirs, others);

  const update = () => {
    const { pending, mine: ids, me } = app.state;
    const list = (parent, items, may) => reconcile(parent, items, { key: (w) => w.id, sign: () => [may], build: (w) => card(app, w, may) });
    nothing.hidden = pending.some((w) => ids.has(w.id));
    fill(nothing, me?.person ? "Nothing waits for you." : "You can look, not decide: set BOT_OPERATOR to a person of bot.toml, then restart.");
    theirs.hidden = pending.every((w) => ids.has(w.id));
    list(mine, pending.filter((w) => ids.has(w.id)), true);
    list(others, pending.filter((w) => !ids.has(w.id)), false);
  };
  return { title: "Waiting for me", element, update };
}

function card(app, waiting, may) {
  const fine = `Asked${waiting.asked_by ? ` for ${waiting.asked_by}` : ""} by ${waiting.agent} · ${lately(waiting.asked_at)}${waiting.until ? ` · open until ${onDay(waiting.until)} ${at(waiting.until)}` : ""}`;
  return h("article", { class: ["card", waiting.kind] },
    h("header", { class: "row between" }, h("strong", {}, KINDS[waiting.kind] ?? waiting.kind), h("span", { class: "muted small" }, waiting.audience.join(", ") || "the requester")),
    h("p", { class: "card-text" }, visible(waiting.text)),
    waiting.tool && [h("code", { class: "muted" }, waiting.tool), argumentList(waiting.arguments)],
    h("p", { class: "muted small" }, fine, " ", h("button", { type: "button", class: "quiet small", onclick: () => app.open(waiting.thread) }, "Open the thread")),
    may && (waiting.kind === "approval" ? decisions(app, waiting) : answers(app, waiting)));
}

function decisions(app, waiting) {
  const more = h("form", { class: "card-form", hidden: true });
  const decide = (button, decision, text = "", changed) => app.answer(waiting, { decision, text, digest: waiting.digest, ...(changed && { arguments: changed }) }, button);
  const ask = (fields, label, style, submit) => {
    const send = h("button", { type: "submit", class: ["button", style] }, label);
    fill(more, fields, h("div", { class: "row" }, send, h("button", { type: "button", class: "quiet", onclick: () => (more.hidden = true) }, "Never mind")));
    more.onsubmit = (event) => (event.preventDefault(), submit(send));
    more.hidden = false;
    more.querySelector("input, textarea")?.focus();
  };
  const deny = () => {
    const why = h("input", { type: "text", "aria-label": "Why", placeholder: "Why (the agent reads this)", maxlength: 1000, autocomplete: "off" });
    ask(why, "Deny", "danger", (send) => decide(send, "denied", why.value));
  };
  const edit = () => {
    const fields = Object.entries(waiting.arguments).map(([name, value]) => ({ name, value, field: editor(value) }));
    const rows = fields.map(({ name, field }) => h("label", { class: "field" }, name, field));
    ask(rows, "Approve with these changes", "primary", (send) => {
      const changed = app.read(() => Object.fromEntries(fields.map(({ name, value, field }) => [name, parsed(name, value, field.value)])));
      if (changed) decide(send, "approved", "", changed);
    });
  };
  return [
    h("div", { class: "row wrap" },
      h("button", { type: "button", class: "button primary", onclick: (event) => decide(event.currentTarget, "approved") }, "Approve"),
      h("button", { type: "button", class: "button danger", onclick: deny }, "Deny…"),
      Object.keys(waiting.arguments).length > 0 && h("button", { type: "button", class: "button", onclick: edit }, "Edit…")),
    more,
  ];
}

const editor = (value) =>
  h("textarea", { rows: typeof value === "string" && !value.includes("\n") ? 1 : 3, spellcheck: "false", value: typeof value === "string" ? value : JSON.stringify(value) });

function parsed(name, before, text) {
  if (typeof before === "string") return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${name} is no valid JSON: write a number, true, false, or a text in quotes.`);
  }
}

function answers(app, waiting) {
  const say = (text, button) => app.answer(waiting, { decision: "answered", text }, button);
  const choices = waiting.choices.map((choice) => h("button", { type: "button", class: "button", onclick: (event) => say(choice, event.currentTarget) }, visible(choice)));
  if (waiting.kind !== "question") return h("div", { class: "row wrap" }, choices);
  const field = h("input", { type: "text", "aria-label": "Your answer", placeholder: choices.length ? "Something else…" : "Your answer", autocomplete: "off" });
  const button = h("button", { type: "submit", class: "button primary" }, "Answer");
  const submit = (event) => (event.preventDefault(), field.value.trim() && say(field.value, button));
  return [h("div", { class: "row wrap" }, choices), h("form", { class: "row", onsubmit: submit }, field, button)];
}
