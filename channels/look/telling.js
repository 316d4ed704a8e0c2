// What an event means, in one line. Pure: an event and the thread around it in, words out.

import { count, moment, oneLine, shorten } from "./words.js";

const TELL = {
  message_received: (e, t) => heard(`${who(e)}${t.place(e.origin?.address)}`, e.text || e.subject),
  message_edited: (e) => heard(`${who(e)} changed it to`, e.text),
  message_deleted: (e) => heard(`${who(e)} deleted a message`),
  human_responded: (e, t) => (e.counted
    ? { kind: "answered", text: responded(e, t), seconds: since(t.contacts.get(e.interaction), e), spent: "waited" }
    : { kind: "refused", text: tried(e) }),
  paused: (e) => ({ kind: "steered", text: `${who(e)} paused it` }),
  resumed: (e) => ({ kind: "steered", text: `${who(e)} let it go on` }),
  cancelled: (e) => ({ kind: "steered", text: `${who(e)} cancelled it` }),
  tool_called: (e) => ({ kind: "thought", text: chose(e), code: CHATTY[e.tool] ? "" : inline(e.arguments), ...cost(e) }),
  thought_discarded: (e) => ({ kind: "thought", text: "Dropped a thought: somebody spoke meanwhile", ...cost(e) }),
  model_failed: (e) => ({ kind: "trouble", text: `The model gave nothing usable: ${e.reason}`, quote: e.error, ...cost(e) }),
  tool_started: (e, t) => ({ kind: "ran", minor: t.outcomes.has(e.call), text: `${toolOf(e, t)} started${e.approval ? ", as approved" : ""}${e.attempt > 1 ? ` (attempt ${e.attempt})` : ""}` }),
  tool_returned: (e, t) => ({ kind: "ran", text: `${toolOf(e, t)} returned`, quote: e.result, seconds: e.seconds }),
  tool_failed: (e, t) => ({ kind: "trouble", text: `${toolOf(e, t)} failed:`, quote: e.error, seconds: e.seconds }),
  outcome_unknown: (e, t) => ({ kind: "trouble", text: `${toolOf(e, t)} was interrupted: nobody knows whether it happened` }),
  human_contacted: (e, t) => ({ kind: "asked", text: asked(e, t), quote: e.text }),
  withdrawn: (e) => ({ kind: "asked", text: e.reason === "superseded" ? "Replaced the request by a new one" : "Took the request back" }),
  replied: (e, t) => ({ kind: "said", text: `Replied${t.place(e.address)}`, quote: e.text }),
  delivery_attempted: (e, t) => ({ kind: "sent", minor: true, text: `Sending${t.place(e.address)}` }),
  delivered: (e, t) => (t.arrivals.get(e.delivery) === e
    ? { kind: "sent", minor: true, text: `Arrived${t.place(e.address)}`, seconds: since(t.attempts.get(e.delivery), e) }
    : { kind: "sent", minor: true, text: `Brought up to date${t.place(e.address)}` }),
  delivery_failed: (e, t) => ({ kind: "trouble", text: `Could not be sent${t.place(e.address)}:`, quote: e.error }),
  delivery_unknown: (e, t) => ({ kind: "trouble", text: `May or may not have arrived${t.place(e.address)}`, quote: e.error }),
  reminded: () => ({ kind: "asked", text: "Reminded them" }),
  away_noticed: (e) => ({ kind: "asked", text: `${who(e)} is away` }),
  escalated: (e, t) => ({ kind: "asked", text: `Asked more widely${t.place(e.surfaces?.[0])}` }),
  timed_out: () => ({ kind: "trouble", text: "Nobody decided in time" }),
  handed_off: (e) => ({ kind: "thought", text: `Handed over to ${e.agent}`, quote: e.note }),
  forked: (e) => ({ kind: "steered", text: `Forked from ${e.source} after ${count(e.count, "event")}` }),
  checkpointed: (e) => ({ kind: "sent", minor: true, text: `Folded ${count(e.count, "event")} into a summary` }),
  set_aside: (e) => ({ kind: "trouble", text: "Set aside; a message or Resume tries again:", quote: e.error }),
};

/** The lines of a thread: {event, kind, text, quote, code, seconds, tokens, dollars, minor}. `place(address)` says " in #ops", or nothing. */
export function tell(events, place) {
  const thread = {
    place: (address) => (address ? place(address) : ""),
    calls: pick(events, "tool_called", "call"),
    outcomes: new Set(events.filter((e) => /^(tool_returned|tool_failed)$/.test(e.type)).map((e) => e.call)),
    contacts: pick(events, "human_contacted", "interaction"),
    attempts: pick(events, "delivery_attempted", "delivery"),
    arrivals: pick(events, "delivered", "delivery"),
  };
  return events.map((event) => {
    const line = TELL[event.type]?.(event, thread) ?? { kind: "sent", text: event.type.replaceAll("_", " ") };
    return { event, ...line, quote: line.quote && shorten(oneLine(line.quote), 220) };
  });
}

/** The first event of a type for each value of a field. */
const pick = (events, type, key) => new Map(events.filter((e) => e.type === type).reverse().map((e) => [e[key], e]));
const heard = (text, quote) => ({ kind: "heard", text, quote });
const since = (before, after) => (before ? (moment(after.at) - moment(before.at)) / 1000 : undefined);
const who = (event) => event.actor?.name || event.actor?.person || event.actor?.id || "Somebody";
const toolOf = (event, thread) => thread.calls.get(event.call)?.tool ?? "The tool";

const CHATTY = { reply: "Decided to reply", contact_human: "Decided to ask a person", hand_over: "Decided to hand over", withdraw: "Decided to take its request back" };

function chose(event) {
  if (event.prefetched) return `Fetched first: ${event.tool}`;
  return CHATTY[event.tool] ?? `Chose ${event.tool}`;
}

function cost({ usage, cost_usd: dollars }) {
  if (!usage) return {};
  const tokens = ["input", "output", "cache_read", "cache_write"].reduce((sum, kind) => sum + (usage[kind] ?? 0), 0);
  return { seconds: usage.seconds || undefined, tokens, dollars };
}

const inline = (values) => Object.entries(values ?? {}).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`).join("  ");

const quoted = ({ text }) => (text ? `: “${shorten(oneLine(text), 160)}”` : "");
const tried = (event) => `${who(event)} tried to decide; it does not count${quoted(event)}`;

function responded(event, thread) {
  const changed = event.arguments ? ", with changes" : "";
  const verb = { answered: "answered", approved: "approved", denied: "denied" }[event.decision] ?? event.decision;
  const tool = thread.contacts.get(event.interaction)?.tool ?? "";
  return `${who(event)} ${verb} ${tool}`.trimEnd() + changed + quoted(event);
}

function asked(event, thread) {
  const audience = event.audience?.names?.join(", ") || "them";
  const where = thread.place(event.surfaces?.[0]);
  if (event.kind === "approval") return `Asked ${audience} to approve ${event.tool}${where}`;
  if (event.kind === "outcome") return `Asked ${audience} what became of ${event.tool}${where}`;
  return `Asked ${audience}${where}`;
}
