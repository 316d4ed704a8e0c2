// Lists of threads: those that are at work, and all of them with a search.

import { fill, h } from "/look/dom.js";
import { threadList } from "/look/thread.js";

const STATES = ["running", "waiting", "done", "paused", "cancelled", "failed"];
const PLATFORMS = [["slack", "Slack"], ["email", "mail"], ["web", "API and console"]];

export function runningView(app) {
  const list = threadList("Nothing is at work right now.", (t) => app.open(t.id));
  const element = h("div", { class: "scroller padded" }, list.element);
  return { title: "Running", element, update: () => list.update(app.state.threads.filter((t) => t.status === "running"), app.state.thread?.id) };
}

export function allView(app) {
  const list = threadList("No thread is like that.", (t) => app.open(t.id));
  const look = () => app.search({ words: words.value, person: person.value, channel: channel.value, agent: agent.value, status: status.value });
  const words = h("input", { type: "search", "aria-label": "Search", placeholder: "Search by words, person, place or id", oninput: look });
  const select = (label) => h("select", { "aria-label": label, onchange: look });
  const [person, channel, agent, status] = ["Person", "Channel", "Agent", "State"].map(select);
  const element = h("div", { class: "scroller padded" }, beginForm(app), h("search", { class: "search" }, words, person, channel, agent, status), list.element);
  choices(agent, "any agent", app.state.about?.agents ?? []);
  choices(status, "any state", STATES);

  const update = () => {
    const { threads, found, thread } = app.state;
    choices(person, "anybody", unique(threads.map((t) => t.requester)));
    choices(channel, "any channel", [...PLATFORMS, ...unique(threads.map((t) => t.place)).map((place) => [place, placeName(place)])]);
    list.update(found ?? threads, thread?.id);
  };
  return { title: "All threads", element, update };
}

const unique = (values) => [...new Set(values.filter(Boolean))].sort();
const placeName = (place) => place.slice(place.indexOf(":") + 1);

/** What a select offers; what was chosen stays chosen. */
function choices(select, all, values) {
  const signature = JSON.stringify(values);
  if (select.signature === signature) return;
  select.signature = signature;
  const chosen = select.value;
  fill(select, h("option", { value: "" }, all), values.map((value) => [value].flat()).map(([value, label = value]) => h("option", { value }, label)));
  select.value = chosen;
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
