// The right column: the thread as Parley sees it. State on top, what happened below it, what the model was shown at the end.

import { fill, h, icon, reconcile, stick, walkable } from "./dom.js";
import { tell } from "./telling.js";
import { atExactly, count, lately, local, size, tokens, took } from "./words.js";

const STATES = { running: "working", waiting: "waiting", done: "done", paused: "paused", cancelled: "cancelled", failed: "failed" };
const VERBS = [
  ["pause", "Pause", (s) => s !== "paused" && s !== "failed", (s) => s === "running" || s === "waiting"],
  ["resume", "Resume", (s) => s === "paused" || s === "failed", () => true],
  ["cancel", "Cancel", () => true, (s) => s === "running" || s === "waiting" || s === "paused"],
];

export function parleyView(app) {
  const head = h("header", { class: "pane-head" });
  const body = h("div", { class: "scroller parley-body" });
  const element = h("section", { class: "pane parley-pane", "aria-label": "The thread as Parley sees it" }, head, body);
  const single = threadView(app);
  const all = listView(app);

  const update = () => {
    const { thread, parley, listing } = app.state;
    const shown = thread && !listing;
    fill(head, h("h2", {}, shown ? "As Parley sees it" : "Parley’s threads"),
      h("button", { class: "quiet small", type: "button", "aria-pressed": String(Boolean(listing)), onclick: () => app.list(!listing), hidden: !thread }, shown ? "All threads" : "Back to the thread"));
    if (parley === "down") return fill(body, h("p", { class: "nothing" }, h("i", { class: "spinner" }), "Parley’s web process does not answer yet. This page looks again by itself; what you write meanwhile waits for it."));
    const view = shown ? single : all;
    if (body.firstChild !== view.element) fill(body, view.element);
    return stick(body, view.update);
  };
  return { element, update };
}

// One thread

function threadView(app) {
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

const OUTSIDER = "Only the team can do this: be Ana, for example";

function drawState(app, box, thread, acting) {
  const outside = app.state.me.kind !== "team";
  const signature = JSON.stringify([outside, thread.id, thread.status, thread.words, thread.usage, thread.addresses, acting]);
  if (box.signature === signature) return;
  box.signature = signature;
  const used = thread.usage ?? {};
  const all = ["input", "output", "cache_read", "cache_write"].reduce((sum, kind) => sum + (used[`${kind}_tokens`] ?? 0), 0);
  const verb = (name, label, shows, works) =>
    shows(thread.status) && h("button", { class: "button small", type: "button", disabled: outside || acting || !works(thread.status), title: outside && OUTSIDER, onclick: () => app.steer(name) }, icon(name), label);
  fill(box,
    h("div", { class: "row" }, h("span", { class: ["pill", thread.status] }, STATES[thread.status] ?? thread.status), h("span", { class: "agent" }, thread.agent || "no agent"), h("code", { class: "muted id", title: "The thread’s id, for python -m bot show" }, thread.id)),
    h("p", { class: "words", role: "status" }, thread.words === thread.status ? "" : local(thread.words)),
    h("div", { class: "row wrap" }, (thread.addresses ?? []).filter((address) => /^(slack|email):/.test(address)).map((address) => addressChip(app, address)), all > 0 && h("span", { class: "muted small" }, tokens(all))),
    h("div", { class: "row wrap verbs" }, VERBS.map((v) => verb(...v)),
      h("button", { class: "button small", type: "button", disabled: outside || acting, title: outside ? OUTSIDER : "A new thread with the same past", onclick: () => app.steer("fork", { at: thread.events.length }) }, icon("fork"), "Fork")));
}

function addressChip(app, address) {
  const label = app.placeWords(address).replace(/^ (in|by) /, "");
  return h("button", { class: "chip", type: "button", title: `Go to ${address}`, onclick: () => app.visit(address) }, icon(address.startsWith("email:") ? "mail" : "thread"), label || address);
}

function lineRow(app, line, number) {
  const { event } = line;
  const body = h("div", { class: "event-data" });
  const details = h("details", { class: ["event", line.kind, line.minor && "minor"] },
    h("summary", { tabindex: -1 },
      h("time", {}, atExactly(event.at)), h("span", { class: "kind" }, line.kind),
      h("span", { class: "telling", title: [line.text, line.code, line.quote].filter(Boolean).join(" ") }, line.text, line.code && [" ", h("code", {}, line.code)], line.quote && [" ", h("q", {}, line.quote)]),
      h("span", { class: "took" }, took(line.seconds))),
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
    reconcile(listing, texts.map((text, i) => ({ text, i })), { key: (b) => `${thread.id}-${b.i}`, sign: (b) => b.text, build: (b) => h("li", {}, shownBlock(b.text, b.i === 0 && context?.system ? thread.agent : "")) });
  };
  return { element: details, update };
}

const shownBlock = (text, agent) => {
  const block = h("pre", { tabindex: 0 }, text);
  return agent ? h("details", {}, h("summary", { class: "hint" }, `prompts/${agent}.md`), block) : block;
};

// All threads

function listView(app) {
  const list = h("ul", { class: "threads" });
  const empty = h("p", { class: "nothing" }, "Nothing yet. A thread appears here as soon as somebody writes to Parley.");
  const hint = h("p", { class: "hint" });
  const element = h("div", {}, hint, list, empty);
  const ensureStop = walkable(list, "button");

  const update = () => {
    const { threads, route, thread } = app.state;
    empty.hidden = threads.length > 0;
    const open = route.thread || (route.view === "mail" && route.place && route.place !== "new");
    fill(hint, open && !thread ? "Parley has not heard of the conversation that is open. In a channel it hears what mentions @parley." : "");
    hint.hidden = !hint.firstChild;
    reconcile(list, threads, {
      key: (t) => t.id,
      sign: (t) => [t.status, t.title, t.updated, t.agent, t.id === thread?.id],
      build: (t) => h("li", {}, h("button", { type: "button", class: "thread-row", "aria-current": t.id === thread?.id ? "true" : null, onclick: () => app.pin(t) },
        h("span", { class: ["pill", t.status] }, STATES[t.status] ?? t.status), h("span", { class: "grow ellipsis" }, t.title || t.id), h("span", { class: "muted small" }, t.agent), h("time", { class: "muted small" }, t.updated ? lately(t.updated) : ""))),
    });
    ensureStop();
  };
  return { element, update };
}
