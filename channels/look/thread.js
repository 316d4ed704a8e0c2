// One thread as Parley sees it: its state on top, what happened below it, what the model was shown at the end.

import { fill, h, icon, reconcile, walkable } from "./dom.js";
import { tell } from "./telling.js";
import { atExactly, count, lately, local, moment, money, size, tokens, took } from "./words.js";

const STATES = { running: "working", waiting: "waiting", done: "done", paused: "paused", cancelled: "cancelled", failed: "failed" };
const RESTING = ["paused", "failed", "cancelled"];
const VERBS = [
  ["pause", "Pause", (s) => !RESTING.includes(s), (s) => s === "running" || s === "waiting"],
  ["resume", "Resume", (s) => RESTING.includes(s), () => true],
  ["cancel", "Cancel", () => true, (s) => s === "running" || s === "waiting" || s === "paused"],
];

/**
 * `app.state` holds {thread, context, showMinor, acting}; `app.steer(verb, body)` acts, `app.toggleMinor()` and `app.openContext(open)`
 * change what is shown, `app.placeWords(address)` says " in #ops". Where there is one, `app.visit(address)` goes there, and
 * `app.barred()` says why whoever looks may not act.
 */
export function threadView(app) {
  const state = h("div", { class: "state" });
  const line = h("ol", { class: "timeline", "aria-label": "What happened" });
  const working = h("p", { class: "working", role: "status" });
  const minor = h("button", { class: "quiet small", type: "button", onclick: () => app.toggleMinor() });
  const context = contextView(app);
  const element = h("div", { class: "thread-view" }, state, h("div", { class: "row between" }, h("h3", {}, "What happened"), minor), line, working, context.element);
  const ensureStop = walkable(line, "summary");
  let last = null;

  const update = () => {
    const { thread, showMinor, acting } = app.state;
    drawState(app, state, thread, acting);
    const lines = tell(thread.events, app.placeWords);
    const hidden = lines.filter((l) => l.minor).length;
    minor.hidden = !hidden;
    fill(minor, showMinor ? "Hide small steps" : `Show ${count(hidden, "small step")}`);
    minor.setAttribute("aria-pressed", String(showMinor));
    if (last !== thread.id) fill(line);
    last = thread.id;
    reconcile(line, lines.filter((l) => showMinor || !l.minor), {
      key: (l) => l.event.id,
      sign: (l) => [l.text, l.quote, l.seconds],
      build: (l) => lineRow(app, l, thread.events.indexOf(l.event) + 1),
    });
    ensureStop();
    working.hidden = thread.status !== "running";
    fill(working, h("i", { class: "dots", "aria-hidden": "true" }), "working");
    context.update(thread);
  };
  return { element, update };
}

function drawState(app, box, thread, acting) {
  const barred = app.barred?.();
  const signature = JSON.stringify([barred, thread.id, thread.status, thread.words, thread.usage, thread.addresses, acting]);
  if (box.signature === signature) return;
  box.signature = signature;
  const verb = (name, label, works, { title, body } = {}) =>
    h("button", { class: "button small", type: "button", disabled: Boolean(barred) || acting || !works, title: barred ?? title, onclick: () => app.steer(name, body) }, icon(name), label);
  fill(box,
    h("div", { class: "row" }, h("span", { class: ["pill", thread.status] }, STATES[thread.status] ?? thread.status), h("span", { class: "agent" }, thread.agent || "no agent"), h("code", { class: "muted id", title: "The thread’s id, for python -m bot show" }, thread.id)),
    h("p", { class: "words", role: "status" }, thread.words === thread.status ? "" : local(thread.words)),
    h("div", { class: "row wrap" }, (thread.addresses ?? []).map((address) => addressChip(app, address)), h("span", { class: "muted small" }, spent(thread))),
    h("div", { class: "row wrap verbs" },
      VERBS.map(([name, label, shows, works]) => shows(thread.status) && verb(name, label, works(thread.status))),
      verb("fork", "Fork", true, { title: "A new thread with the same past", body: { at: thread.events.length } })));
}

/** How long it took so far, and what the model used: "3 min in all · 12.4k tok · $0.031". */
function spent({ events, usage = {} }) {
  const seconds = events.length > 1 ? (moment(events.at(-1).at) - moment(events[0].at)) / 1000 : 0;
  const used = ["input", "output", "cache_read", "cache_write"].reduce((sum, kind) => sum + (usage[`${kind}_tokens`] ?? 0), 0);
  return [seconds > 0 && `${took(seconds)} in all`, used > 0 && tokens(used), typeof usage.cost_usd === "number" && money(usage.cost_usd)].filter(Boolean).join(" · ");
}

function addressChip(app, address) {
  const label = [icon(address.startsWith("email:") ? "mail" : "thread"), app.placeWords(address).replace(/^ (in|by|at|over) /, "") || address];
  if (!app.visit || !/^(slack|email):/.test(address)) return h("span", { class: "chip", title: address }, label);
  return h("button", { class: "chip", type: "button", title: `Go to ${address}`, onclick: () => app.visit(address) }, label);
}

function lineRow(app, line, number) {
  const { event } = line;
  const body = h("div", { class: "event-data" });
  const details = h("details", { class: ["event", line.kind, line.minor && "minor"] },
    h("summary", { tabindex: -1 },
      h("time", {}, atExactly(event.at)), h("span", { class: "kind" }, line.kind),
      h("span", { class: "telling", title: [line.text, line.code, line.quote].filter(Boolean).join(" ") }, line.text, line.code && [" ", h("code", {}, line.code)], line.quote && [" ", h("q", {}, line.quote)]),
      h("span", { class: "took" }, price(line))),
    body);
  details.addEventListener("toggle", () => {
    if (!details.open || body.firstChild) return;
    const text = JSON.stringify(event, null, 2);
    fill(body,
      h("div", { class: "row between" }, h("code", { class: "muted" }, `${number} · ${event.type}`, line.tokens ? ` · ${tokens(line.tokens)}` : ""),
        h("span", { class: "row" }, copyButton(text), h("button", { class: "quiet small", type: "button", title: "A new thread with the same past up to here", onclick: () => app.steer("fork", { at: number }) }, icon("fork"), "Fork here"))),
      h("pre", { class: "json", tabindex: 0, "aria-label": "The event’s data" }, coloured(text)));
  });
  return h("li", {}, details);
}

/** "waited 4 min", or "1.2 s · $0.004". */
function price({ seconds, spent: how, dollars }) {
  const time = took(seconds);
  return [how && time ? `${how} ${time}` : time, typeof dollars === "number" && money(dollars)].filter(Boolean).join(" · ");
}

function coloured(text) {
  const kinds = ["key", "string", "number"];
  const pattern = /("(?:[^"\\]|\\.)*")(?=\s*:)|("(?:[^"\\]|\\.)*")|(-?\d+\.?\d*(?:e[+-]?\d+)?|true|false|null)/gi;
  const out = [];
  let end = 0;
  for (const m of text.matchAll(pattern)) {
    const kind = kinds[[m[1], m[2], m[3]].findIndex((part) => part !== undefined)];
    out.push(text.slice(end, m.index), h("span", { class: `json-${kind}` }, m[0]));
    end = m.index + m[0].length;
  }
  return [...out, text.slice(end)];
}

function copyButton(text) {
  return h("button", { class: "quiet small", type: "button", onclick: async (event) => {
    const button = event.currentTarget;
    await navigator.clipboard?.writeText(text).then(() => fill(button, "Copied"), () => fill(button, "Not allowed"));
    setTimeout(() => fill(button, "Copy"), 1500);
  } }, "Copy");
}

// What the model was shown

function contextView(app) {
  const summary = h("summary", {});
  const listing = h("ol", { class: "shown-blocks" });
  const details = h("details", { class: "context-view" }, summary, h("p", { class: "hint" }, "Exactly what the model reads, byte for byte: the prompt, then one block an event, only ever appended to."), listing);
  details.addEventListener("toggle", () => app.openContext(details.open));

  const update = (thread) => {
    const { context } = app.state;
    const texts = context?.id === thread.id ? [context.system, ...context.blocks].filter(Boolean) : [];
    const bytes = texts.reduce((sum, text) => sum + new TextEncoder().encode(text).length, 0);
    fill(summary, h("h3", {}, "What the model was shown"), h("span", { class: "muted small" }, texts.length ? `${count(texts.length, "block")} · ${size(bytes)}` : ""));
    reconcile(listing, texts.map((text, i) => ({ text, i })), { key: (b) => `${thread.id}-${b.i}`, sign: (b) => b.text, build: (b) => h("li", {}, shownBlock(b.text, b.i === 0 && context.system ? thread.agent : "")) });
  };
  return { element: details, update };
}

const shownBlock = (text, agent) => {
  const block = h("pre", { tabindex: 0 }, text);
  return agent ? h("details", {}, h("summary", { class: "hint" }, `prompts/${agent}.md`), block) : block;
};

// Many threads

/** Threads as a list of lines. `open(thread)` is what a click does; `update(threads, id)` shows them, the one with that id as the open one. */
export function threadList(nothing, open) {
  const list = h("ul", { class: "threads" });
  const empty = h("p", { class: "nothing" }, nothing);
  const ensureStop = walkable(list, "button");
  const update = (threads, current) => {
    empty.hidden = threads.length > 0;
    reconcile(list, threads, {
      key: (t) => t.id,
      sign: (t) => [t.status, t.title, t.updated, t.agent, t.requester, t.id === current],
      build: (t) => threadRow(t, t.id === current, open),
    });
    ensureStop();
  };
  return { element: h("div", {}, list, empty), update };
}

const threadRow = (thread, current, open) =>
  h("li", {}, h("button", { type: "button", class: "thread-row", "aria-current": current ? "true" : null, onclick: () => open(thread) },
    h("span", { class: ["pill", thread.status] }, STATES[thread.status] ?? thread.status), h("span", { class: "grow ellipsis" }, thread.title || thread.id),
    h("span", { class: "muted small" }, [thread.requester?.split(" ")[0], thread.agent].filter(Boolean).join(" · ")), h("time", { class: "muted small" }, thread.updated ? lately(thread.updated) : "")));
