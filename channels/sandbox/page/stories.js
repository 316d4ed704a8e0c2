// What to try first: three stories that start with one click, and the coach that says what comes next.

import { get, post } from "./api.js";
import { fill, h, icon } from "/look/dom.js";
import { attempt, notify } from "/look/frame.js";
import { avatar } from "./faces.js";
import { bare } from "./mail.js";

const happened = (type, fits = () => true) => (events) => events.some((e) => e.type === type && fits(e));
const answered = happened("human_responded", (e) => e.counted);
const repliedAfterAnswer = (events) => {
  const answer = events.findIndex((e) => e.type === "human_responded" && e.counted);
  return answer >= 0 && events.slice(answer).some((e) => e.type === "replied");
};
const visit = (label, who, kind) => ({ label, who, kind, run: (app, thread) => app.visitAs(who, thread, kind) });

export const STORIES = [
  {
    id: "article",
    title: "An article knows the answer",
    lead: "Greta, a customer, mails support@example.com. Parley finds the article and answers her.",
    who: ["Greta Weber"],
    channels: "Mail",
    mail: { as: "greta", to: "support@example.com", subject: "Returning a lamp", text: "Hello,\n\nI would like to return a lamp. How many days do I have to send it back, and is that free?\n\nKind regards\nGreta Weber" },
    steps: [
      { text: "Greta wrote to support@example.com.", done: happened("message_received") },
      { text: "Parley looks for an article that answers her. Every step shows on the right.", done: happened("tool_returned") },
      { text: "The answer is in Greta’s mailbox. Reply to it: it is the same thread.", done: happened("replied"), action: visit("Read it as Greta", "greta", "email:") },
    ],
  },
  {
    id: "teammate",
    title: "A teammate has to help",
    lead: "No article knows this one. Parley asks in Slack’s #support, and mails Ben’s answer to the customer.",
    who: ["Greta Weber", "Ben Okafor"],
    channels: "Mail and Slack",
    mail: { as: "greta", to: "support@example.com", subject: "Engraving for a golden wedding", text: "Hello,\n\ncould you engrave two names and a date into the base of a floor lamp? It is a gift for my grandparents’ golden wedding on 12 December.\n\nKind regards\nGreta Weber" },
    steps: [
      { text: "Greta asked something that no article answers.", done: happened("message_received") },
      { text: "Parley asks the team in #support.", done: happened("human_contacted") },
      { text: "Be Ben and answer in that Slack thread, in your own words.", done: answered, action: visit("Be Ben in #support", "ben", "slack:") },
      { text: "The answer goes to Greta by mail.", done: repliedAfterAnswer, action: visit("Be Greta and read it", "greta", "email:") },
    ],
  },
  {
    id: "restart",
    title: "Production needs a yes from ops",
    lead: "Ben asks for a restart in #ops. Parley prepares it, shows exactly what it would run, and waits.",
    who: ["Ben Okafor", "Ana Diaz"],
    channels: "Slack",
    slack: { as: "ben", channel: "ops", text: "@parley restart the api on production" },
    steps: [
      { text: "Ben asked in #ops.", done: happened("message_received") },
      { text: "It needs ops. Try to approve it as Ben, or as Sam, the stranger: only you will see the answer.", done: happened("human_contacted", (e) => e.kind === "approval") },
      { text: "Be Ana, who is in ops: Approve, or Deny with a reason.", done: answered, action: visit("Be Ana in #ops", "ana", "slack:") },
      { text: "What was approved is what runs, once; then Parley says what came of it.", done: repliedAfterAnswer },
    ],
  },
];

export function startView(app) {
  const element = h("section", { class: "pane start", "aria-label": "What to try first" },
    h("div", { class: "scroller" }, h("div", { class: "start-inner" },
      h("h1", {}, "What to try first"),
      h("p", { class: "lead" }, "Lumen & Oak, a small lamp shop, lives on your machine: a Slack workspace, a mail server, five people, and you can be any of them. Parley works where they are, and asks them when it needs them."),
      h("div", { class: "stories" }, STORIES.map((story, i) => storyCard(app, story, i + 1))),
      h("p", { class: "hint" }, "Or go anywhere on the left and write ", h("code", {}, "@parley …"), " — everything goes through the real adapters, the real queue and the real protocols."),
      h("ul", { class: "keys hint", "aria-label": "Keys" },
        ["Tab", "↑ ↓", "Enter", "Esc"].map((key, i) => h("li", {}, h("kbd", {}, key), [" moves between parts", " move in a list", " sends, or opens", " closes"][i]))))));
  return { element, update: () => {} };
}

function storyCard(app, story, number) {
  return h("article", { class: "story" },
    h("div", { class: "row between" }, h("span", { class: "faces" }, story.who.map((name) => avatar(name)), avatar("Parley", { app: true })), h("span", { class: "muted small" }, story.channels)),
    h("h2", {}, story.title), h("p", {}, story.lead),
    h("button", { class: "button primary", type: "button", "data-story": story.id, onclick: (event) => play(app, story, event.currentTarget) }, icon("play"), `Start story ${number}`));
}

// Playing one

async function play(app, story, button) {
  button.disabled = true;
  await (story.mail ? startByMail(app, story) : startInSlack(app, story));
  button.disabled = false;
}

async function startByMail(app, { id, mail }) {
  const { email } = app.person(mail.as);
  const sent = await attempt(post("/sandbox/mail/send", { from: email, to: [mail.to], subject: mail.subject, text: mail.text }));
  if (!sent) return;
  keep(app, { id, root: bare(sent.message_id) });
  app.go({ as: mail.as, view: "mail", place: bare(sent.message_id), thread: null });
}

async function startInSlack(app, { id, slack }) {
  const writer = app.person(slack.as) ?? app.teammate();
  const { channels = [] } = (await attempt(get("/sandbox/slack/state", { user: writer.slack }))) ?? {};
  const channel = channels.find((c) => c.name === slack.channel);
  if (!channel) return notify(`There is no #${slack.channel} in bot.toml; this story needs it.`);
  const sent = await attempt(post("/sandbox/slack/post", { user: writer.slack, channel: channel.id, text: slack.text }));
  if (!sent) return null;
  keep(app, { id, root: sent.ts });
  return app.go({ as: writer.id, view: "slack", place: channel.id, thread: sent.ts });
}

/** The story that runs survives a reload of the page. */
function keep(app, story) {
  app.state.story = story;
  sessionStorage.setItem("story", JSON.stringify(story && { ...story, events: undefined, addresses: undefined }));
}

/** Bring the running story's events up to date: its thread is the one that its first message started. */
export async function followStory(app) {
  const { story, thread, route, pinned } = app.state;
  if (!story) return;
  if (!story.thread && thread && !pinned && [route.place, route.thread].includes(story.root)) keep(app, { ...story, thread: thread.id });
  const id = app.state.story.thread;
  if (!id) return;
  const { events, addresses } = thread?.id === id ? thread : await get(`/parley/threads/${id}`);
  if (app.state.story?.thread === id) Object.assign(app.state.story, { events, addresses });
}

/** The strip above the conversation while a story runs. */
export function coachView(app) {
  const element = h("aside", { class: "coach", "aria-label": "The story", "aria-live": "polite" });
  let drawn = "";
  const update = () => {
    const { story } = app.state;
    const events = story?.events ?? [];
    const known = story && STORIES.find((s) => s.id === story.id);
    const done = known?.steps.map((step) => step.done(events)) ?? [];
    const signature = JSON.stringify([story?.id, done, story?.addresses, app.state.me.id, app.state.route, app.state.thread?.id]);
    element.hidden = !known || app.state.route.view === "start";
    if (!known || signature === drawn) return;
    drawn = signature;
    const next = done.indexOf(false);
    const { action } = known.steps.at(next);
    fill(element,
      h("div", { class: "row between" }, h("strong", {}, known.title), h("button", { class: "quiet", type: "button", "aria-label": "Leave the story", onclick: () => (keep(app, null), app.draw()) }, "✕")),
      h("ol", {}, known.steps.map((step, i) => h("li", { class: done[i] ? "done" : i === next ? "next" : "later", "aria-current": i === next ? "step" : null }, step.text))),
      h("div", { class: "row wrap" },
        action && reachable(story, action) && !there(app, action) && h("button", { class: "button small primary", type: "button", onclick: () => action.run(app, story.thread) }, action.label),
        next < 0 && h("button", { class: "button small", type: "button", onclick: () => app.go({ view: "start", place: null, thread: null }) }, "Another story")));
  };
  return { element, update };
}

/** The thread has come to that side by now. */
const reachable = (story, { kind }) => story.addresses?.some((address) => address.startsWith(kind));

/** Already the person of this action, looking at the story's thread on that side. */
function there(app, { who, kind }) {
  const { me, route, thread, story } = app.state;
  return me.id === who && thread?.id === story.thread && route.view === (kind === "email:" ? "mail" : "slack");
}
