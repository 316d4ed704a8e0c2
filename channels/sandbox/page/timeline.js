// The right column: the thread as Parley sees it, or all of its threads.

import { fill, h, stick } from "/look/dom.js";
import { threadList, threadView } from "/look/thread.js";

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

// All threads

function listView(app) {
  const list = threadList("Nothing yet. A thread appears here as soon as somebody writes to Parley.", app.pin);
  const hint = h("p", { class: "hint" });

  const update = () => {
    const { threads, route, thread } = app.state;
    const open = route.thread || (route.view === "mail" && route.place && route.place !== "new");
    fill(hint, open && !thread ? "Parley has not heard of the conversation that is open. In a channel it hears what mentions @parley." : "");
    hint.hidden = !hint.firstChild;
    list.update(threads, thread?.id);
  };
  return { element: h("div", {}, hint, list.element), update };
}
