// Lists of threads: those that are at work, and all of them with a filter.

import { fill, h } from "/look/dom.js";
import { threadList } from "/look/thread.js";

export function runningView(app) {
  const list = threadList("Nothing is at work right now.", (t) => app.open(t.id));
  const element = h("div", { class: "scroller padded" }, list.element);
  return { title: "Running", element, update: () => list.update(app.state.threads.filter((t) => t.status === "running"), app.state.thread?.id) };
}

export function allView(app) {
  const list = threadList("Nothing yet. A thread appears here as soon as somebody writes to Parley.", (t) => app.open(t.id));
  const status = h("select", { "aria-label": "State", onchange: () => app.draw() });
  const words = h("input", { type: "search", "aria-label": "Filter", placeholder: "Filter by words, person, place or id", oninput: () => app.draw() });
  fill(status, h("option", { value: "" }, "every state"), ["running", "waiting", "done", "paused", "cancelled", "failed"].map((s) => h("option", { value: s }, s)));
  const element = h("div", { class: "scroller padded" }, beginForm(app), h("div", { class: "row filter" }, words, status), list.element);

  const update = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const hay = (t) => [t.id, t.title, t.agent, t.requester, ...t.addresses, ...t.addresses.map(app.placeWords)].join(" ").toLowerCase();
    list.update(app.state.threads.filter((t) => (!status.value || t.status === status.value) && wanted.every((word) => hay(t).includes(word))), app.state.thread?.id);
  };
  return { title: "All threads", element, update };
}

function beginForm(app) {
  const text = h("input", { type: "text", "aria-label": "What should be done", placeholder: "Start a thread: what should be done?", autocomplete: "off" });
  const agent = h("select", { "aria-label": "Agent" }, h("option", { value: "" }, "default agent"), (app.state.about?.agents ?? []).map((name) => h("option", { value: name }, name)));
  const button = h("button", { type: "submit", class: "button primary" }, "Start");
  const submit = async (event) => {
    event.preventDefault();
    if (!text.value.trim()) return;
    button.disabled = true;
    if (await app.begin(text.value, agent.value)) text.value = "";
    button.disabled = false;
  };
  return h("form", { class: "row begin", onsubmit: submit, hidden: !app.state.me?.person }, text, agent, button);
}
