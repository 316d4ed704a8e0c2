// The console put together: one state, what can be done to it, and who looks at it.

import { get, listen, me, post, text } from "./api.js";
import { costView } from "./cost.js";
import { healthView } from "./health.js";
import { fill, h, icon, reconcile, stick } from "/look/dom.js";
import { attempt, drawBar, frame, notify, tab } from "/look/frame.js";
import { threadView } from "/look/thread.js";
import { allView, runningView } from "./threads.js";
import { waitingView } from "./waiting.js";

const VIEWS = [["waiting", "people"], ["running", "play"], ["all", "thread"], ["health", "pulse"], ["cost", "coin"]];

const state = {
  me: null,
  about: null,
  view: "waiting",
  chosen: null, // the id of the open thread
  threads: [],
  channels: new Map(), // names of Slack’s channels
  search: null, // what all threads are searched for
  found: null,
  pending: [],
  mine: new Set(),
  thread: null,
  context: null,
  contextOpen: false,
  showMinor: false,
  acting: false,
  ready: true,
  metrics: null,
  costs: null,
  live: false,
};

const app = {
  state,

  go(view, thread = state.chosen) {
    const hash = `#${[view, thread].filter(Boolean).map(encodeURIComponent).join("/")}`;
    if (hash !== location.hash) history.pushState(null, "", hash);
    show();
  },

  open(thread) {
    app.go(state.view, thread);
    tab("parley");
  },

  search(wanted) {
    state.search = Object.values(wanted).some(Boolean) ? Object.fromEntries(Object.entries(wanted).filter(([, value]) => value)) : null;
    refresh();
  },

  async answer(waiting, decision, button) {
    button.disabled = true;
    const answer = await attempt(post(`interactions/${waiting.id}/answer`, decision));
    button.disabled = false;
    if (answer) notify(answer.words);
    refresh();
  },

  async begin(words, agent) {
    const begun = await attempt(post("threads", { text: words, agent }));
    if (begun) app.open(begun.id);
    return Boolean(begun);
  },

  async say(words) {
    return Boolean(await attempt(post(`threads/${state.chosen}/messages`, { text: words })));
  },

  async steer(verb, body) {
    state.acting = true;
    draw();
    const answer = await attempt(post(`threads/${state.chosen}/${verb}`, body));
    state.acting = false;
    if (verb === "fork" && answer) {
      notify("Forked. You are looking at the new thread; the original stays as it is.");
      app.open(answer.id);
    }
    refresh();
  },

  /** The value of `make()`; what it complains about is told. */
  read(make) {
    try {
      return make();
    } catch (error) {
      return void notify(error.message);
    }
  },

  /** Why whoever looks may not act; null when they may. */
  barred: () => (state.me?.person ? null : "Nobody may act here: set BOT_OPERATOR to a person of bot.toml"),

  placeWords(address) {
    const [channel, rest] = [address.slice(0, address.indexOf(":")), address.slice(address.indexOf(":") + 1)];
    if (channel === "email") return " by mail";
    if (channel === "web") return " in the console";
    if (channel !== "slack") return ` at ${address}`;
    return rest.startsWith("#") ? ` in ${rest}` : ` in ${state.channels.get(channelOf(address)) ?? `Slack (${channelOf(address)})`}`;
  },

  toggleMinor() {
    state.showMinor = !state.showMinor;
    draw();
  },

  openContext(open) {
    state.contextOpen = open;
    if (open) refresh();
  },

  draw: () => draw(),
};

const channelOf = (address) => address.split("/")[1] ?? address;

/** Names of Slack’s channels, as far as threads that began in them tell: id → "#ops". */
function channelNames(threads) {
  const began = threads.filter((t) => t.place.startsWith("slack:#")).map((t) => [t.addresses.find((a) => a.startsWith("slack:")), t.place.slice(6)]);
  return new Map(began.filter(([address]) => address).map(([address, name]) => [channelOf(address), name]));
}

// Asking again, one question at a time; what changes meanwhile is asked for afterwards

let asking = false;
let dirty = false;

async function refresh() {
  if (asking) return void (dirty = true);
  asking = true;
  do {
    dirty = false;
    await look().catch(() => (state.ready = false));
    draw();
  } while (dirty);
  asking = false;
  return undefined;
}

async function look() {
  const { chosen: id, view, search } = state;
  const [threads, found, pending, mine, thread, context, ready, metrics, costs] = await Promise.all([
    get("threads", { limit: 200 }),
    search && view === "all" ? get("threads", { ...search, limit: 200 }) : null,
    get("pending"),
    get("pending", { mine: true }),
    id ? get(`threads/${id}`).catch(() => null) : null,
    id && state.contextOpen ? get(`threads/${id}/context`).then((shown) => ({ id, ...shown }), () => null) : state.context,
    text("/readyz"),
    view === "health" ? text("/metrics") : state.metrics,
    view === "cost" ? get("costs", { days: 14 }) : state.costs,
  ]);
  if (id !== state.chosen || search !== state.search) return void (dirty = true);
  Object.assign(state, { threads, channels: channelNames(threads), found, pending, mine: new Set(mine.map((w) => w.id)), thread, context, ready: ready !== null, metrics, costs });
  return undefined;
}

// Showing it

let views = {};
const places = h("nav", { class: "places", "aria-label": "What to look at" });
const you = h("p", { class: "you" });
const middle = h("h2", {});
const stage = h("div", { class: "stage" });
const right = h("div", { class: "scroller parley-body" });
const single = threadView(app);
const nothing = h("p", { class: "nothing" }, "Open a thread to see everything that happened in it.");

function draw() {
  const counts = { waiting: state.mine.size, running: state.threads.filter((t) => t.status === "running").length };
  reconcile(places, VIEWS.map(([name, symbol]) => ({ name, symbol, current: name === state.view, badge: counts[name] || (name === "health" && !state.ready ? "!" : "") })), {
    key: (p) => p.name,
    sign: (p) => [p.current, p.badge],
    build: ({ name, symbol, current, badge }) =>
      h("button", { type: "button", class: "place", "aria-current": current ? "page" : null, onclick: () => (app.go(name), tab("talk")) },
        icon(symbol), h("span", { class: "grow" }, views[name].title), badge && h("span", { class: ["badge", badge === "!" && "bad"] }, badge)),
  });
  fill(you, state.me?.person ? ["You act as ", h("strong", {}, state.me.name)] : "You look on: nobody is set as BOT_OPERATOR");
  const view = views[state.view];
  fill(middle, view.title);
  if (stage.firstChild !== view.element) fill(stage, view.element);
  view.update();
  drawThread();
  drawBar(state.about, state.live);
  document.title = `${counts.waiting ? `(${counts.waiting}) ` : ""}Parley`;
}

function drawThread() {
  const body = state.thread ? single.element : nothing;
  if (right.firstChild !== body) fill(right, body);
  sayForm.hidden = !state.thread || !state.me?.person;
  if (state.thread) stick(right, single.update);
}

const sayField = h("input", { type: "text", "aria-label": "Say something in this thread", placeholder: "Say something in this thread", autocomplete: "off" });
const sayForm = h("form", { class: "row say", hidden: true, onsubmit: async (event) => {
  event.preventDefault();
  if (sayField.value.trim() && (await app.say(sayField.value))) sayField.value = "";
} }, sayField, h("button", { type: "submit", class: "button", "aria-label": "Send" }, icon("send")));

function show() {
  const [view, thread] = location.hash.slice(1).split("/").map(decodeURIComponent);
  Object.assign(state, { view: views[view] ? view : "waiting", chosen: thread ?? null });
  if (state.thread?.id !== state.chosen) state.thread = null;
  draw();
  refresh();
}

async function start() {
  frame();
  [state.me, state.about] = await Promise.all([me(), get("about")]);
  views = { waiting: waitingView(app), running: runningView(app), all: allView(app), health: healthView(app), cost: costView(app) };
  document.querySelector("#places").append(you, places);
  document.querySelector("#talk").append(h("header", { class: "pane-head" }, middle), stage);
  document.querySelector("#parley").append(h("header", { class: "pane-head" }, h("h2", {}, "The thread")), right, sayForm);
  window.addEventListener("popstate", show);
  show();
  listen(refresh, (up) => {
    state.live = up;
    refresh();
  });
  setInterval(() => ["health", "cost"].includes(state.view) && refresh(), 10_000);
  document.body.dataset.ready = "true";
}

start().catch((error) => notify(error.message));
