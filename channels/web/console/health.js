// How it is: whether the store takes writes, what should have gone out, and the figures of /metrics as small charts.

import { bars, columns } from "./charts.js";
import { fill, h } from "/look/dom.js";
import { at, moment, took } from "/look/words.js";

const HOURS = 24;

const CHARTS = [
  ["Threads", "parley_threads"],
  ["Waiting for people", "parley_pending"],
  ["Messages not there (yet)", "parley_deliveries"],
];

export function healthView(app) {
  const element = h("div", { class: "scroller padded figures health" });

  const update = () => {
    const { ready, metrics, about, threads } = app.state;
    const changed = lastHours(threads);
    const signature = JSON.stringify([ready, metrics, about, changed]);
    if (element.signature === signature) return;
    element.signature = signature;
    const figures = parse(metrics ?? "");
    const oldest = figures.get("parley_oldest_pending_seconds")?.[0][1] ?? 0;
    const due = figures.get("parley_deliveries_due")?.[0][1] ?? 0;
    fill(element,
      line(ready, ready ? "The store answers and takes writes." : "The store cannot be reached or takes no writes. Run: python -m bot doctor"),
      line(due === 0, due === 0 ? "Nothing that could go out waits." : `${due} messages could go out and did not yet. Are the workers running?`),
      oldest > 0 && line(true, `The oldest open question or approval has waited ${took(oldest)}.`),
      columns("Threads that changed, by the hour", changed),
      CHARTS.map(([title, name]) => bars(title, figures.get(name) ?? [])),
      h("p", { class: "hint" }, `Parley ${about?.version ?? ""}, model: ${about?.model ?? "?"}, agents: ${(about?.agents ?? []).join(", ")}. The same figures for machines: `, h("a", { href: "/metrics" }, "/metrics"), "; the API: ", h("a", { href: "/docs" }, "/docs"), "."));
  };
  return { title: "Health", element, update };
}

const line = (good, words) => h("p", { class: ["check", good ? "good" : "bad"] }, h("span", { "aria-hidden": "true" }, good ? "✓" : "✗"), words);

/** [hour, threads that changed last in it], up to now. */
function lastHours(threads) {
  const now = new Date().setMinutes(0, 0, 0);
  return Array.from({ length: HOURS }, (_, i) => {
    const from = now - (HOURS - 1 - i) * 3_600_000;
    const within = threads.filter(({ updated }) => moment(updated) >= from && moment(updated) < from + 3_600_000);
    return [at(from / 1000), within.length];
  });
}

/** name → [label, value] of Prometheus' text. */
function parse(text) {
  const figures = new Map();
  for (const [, name, label, value] of text.matchAll(/^(\w+)(?:\{\w+="([^"]*)"\})? (\S+)$/gm)) {
    figures.set(name, [...(figures.get(name) ?? []), [label ?? "", Number(value)]]);
  }
  return figures;
}
