// How it is: whether the store takes writes, and the figures of /metrics as small bars.

import { fill, h } from "/look/dom.js";
import { took } from "/look/words.js";

const CHARTS = [
  ["Threads", "parley_threads"],
  ["Waiting for people", "parley_pending"],
  ["Messages not there (yet)", "parley_deliveries"],
];

export function healthView(app) {
  const element = h("div", { class: "scroller padded health" });

  const update = () => {
    const { ready, metrics, about } = app.state;
    const signature = JSON.stringify([ready, metrics, about]);
    if (element.signature === signature) return;
    element.signature = signature;
    const figures = parse(metrics ?? "");
    const oldest = figures.get("parley_oldest_pending_seconds")?.[0][1] ?? 0;
    const due = figures.get("parley_deliveries_due")?.[0][1] ?? 0;
    fill(element,
      line(ready, ready ? "The store answers and takes writes." : "The store cannot be reached or takes no writes. Run: python -m bot doctor"),
      line(due === 0, due === 0 ? "Nothing that could go out waits." : `${due} messages could go out and did not yet. Are the workers running?`),
      oldest > 0 && line(true, `The oldest open question or approval has waited ${took(oldest)}.`),
      CHARTS.map(([title, name]) => chart(title, figures.get(name) ?? [])),
      h("p", { class: "hint" }, `Parley ${about?.version ?? ""}, model: ${about?.model ?? "?"}, agents: ${(about?.agents ?? []).join(", ")}. The same figures for machines: `, h("a", { href: "/metrics" }, "/metrics"), "; the API: ", h("a", { href: "/docs" }, "/docs"), "."));
  };
  return { title: "Health", element, update };
}

const line = (good, words) => h("p", { class: ["check", good ? "good" : "bad"] }, h("span", { "aria-hidden": "true" }, good ? "✓" : "✗"), words);

function chart(title, rows) {
  const most = Math.max(1, ...rows.map(([, value]) => value));
  return h("section", { class: "chart" }, h("h3", {}, title),
    h("table", {}, rows.map(([label, value]) => h("tr", {}, h("th", { scope: "row" }, label), h("td", { class: "bar" }, h("meter", { min: 0, max: most, value, "aria-hidden": "true" })), h("td", {}, value)))));
}

/** name → [label, value] of Prometheus' text. */
function parse(text) {
  const figures = new Map();
  for (const [, name, label, value] of text.matchAll(/^(\w+)(?:\{\w+="([^"]*)"\})? (\S+)$/gm)) {
    figures.set(name, [...(figures.get(name) ?? []), [label ?? "", Number(value)]]);
  }
  return figures;
}
