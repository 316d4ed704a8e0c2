// The page put together: one state, what can be done to it, and who shows it.

import { actions } from "./actions.js";
import { get, listen } from "./api.js";
import { asking } from "./asking.js";
import { fill, h } from "/look/dom.js";
import { drawBar, frame, notify, tab } from "/look/frame.js";
import { avatar } from "./faces.js";
import { mailView } from "./mail.js";
import { modal } from "./modal.js";
import { placesView } from "./places.js";
import { slackView } from "./slack.js";
import { initial, lookups, routeFromHash } from "./state.js";
import { coachView, startView } from "./stories.js";
import { parleyView } from "./timeline.js";

const app = { state: initial(), drafts: new Map(), show, draw, tab };
const { state } = app;
Object.assign(app, lookups(app));
app.refresh = asking(app);
Object.assign(app, actions(app));
app.showModal = modal(app);

const views = { slack: slackView(app), mail: mailView(app), start: startView(app) };
const places = placesView(app);
const parley = parleyView(app);
const coach = coachView(app);
const stage = h("div", { class: "stage" });
const one = (selector) => document.querySelector(selector);

function askAll() {
  for (const ask of Object.values(app.refresh)) ask();
}

/** Go to a route, as somebody. */
function show(route) {
  const me = app.person(route.as) ?? state.cast.people[0];
  if (me !== state.me) Object.assign(state, { slack: me.slack ? state.slack : null, mails: [], messages: [], statuses: [] });
  Object.assign(state, { me, route: { ...route, as: me.id }, editing: null });
  draw();
  askAll();
}

function draw() {
  if (!state.me) return;
  places.update();
  coach.update();
  const view = views[state.route.view];
  if (stage.firstChild !== view.element) fill(stage, view.element);
  if (state.route.view !== "slack" || state.slack) view.update();
  parley.update();
  drawTop();
}

function drawTop() {
  const away = state.parley === "down";
  drawBar(state.model, state.live && !away, state.live ? "Parley is away" : "reconnecting");
  fill(one("#me"), avatar(state.me.name, { size: "tiny" }), state.me.name.split(" ")[0]);
  const unread = state.mailboxes.find((box) => box.address === state.me.email)?.unread;
  document.title = `${unread ? `(${unread}) ` : ""}Parley · ${state.me.name}`;
}

function changed({ kind, up }) {
  if (kind === "parley" && up === false) state.parley = "down";
  app.refresh[kind]?.();
  if (kind !== "parley") app.refresh.attention();
}

function connected(up) {
  state.live = up;
  if (up) askAll();
  else draw();
}

function wire() {
  one("#try").addEventListener("click", () => app.go({ view: "start", place: null, thread: null }));
  one("#me").addEventListener("click", () => tab("places"));
  window.addEventListener("popstate", () => show(routeFromHash(views)));
  document.addEventListener("visibilitychange", () => !document.hidden && app.refresh.slack());
}

async function start() {
  one("#places").append(...places.elements);
  one("#talk").append(coach.element, stage);
  one("#parley").append(parley.element);
  frame();
  wire();
  state.cast = await get("/sandbox/cast");
  show(routeFromHash(views));
  listen(changed, connected);
  document.body.dataset.ready = "true";
}

start().catch((error) => notify(error.message));
