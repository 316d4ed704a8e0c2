// What the page knows, and what can be read off it.

import { bare, conversations } from "./mail.js";

export const START = { as: null, view: "start", place: null, thread: null };

export const initial = () => ({
  cast: { people: [], channels: [], mailboxes: [] },
  me: null,
  route: START,
  slack: null, // the workspace as I see it
  directory: null, // the same, or as a teammate sees it: for names only
  messages: [],
  statuses: [],
  prompts: null, // what the app suggests in this conversation
  home: null, // the app's Home tab as I see it
  homeOpen: false,
  homeTrouble: "", // why a press there did not arrive
  mailboxes: [],
  mails: [],
  attention: new Set(), // who else has something unread
  threads: [],
  thread: null, // the one that Parley's column shows
  context: null,
  parley: "unknown", // up, down
  model: null,
  live: false,
  pinned: null, // a thread chosen by hand, until I go somewhere
  listing: false,
  showMinor: false,
  contextOpen: false,
  acting: false,
  editing: null, // the ts of the message that I am changing
  failures: new Map(), // ts → why a press did not arrive
  story: JSON.parse(sessionStorage.getItem("story") ?? "null"),
});

export function routeFromHash(views) {
  const [as, view, place, thread] = location.hash.slice(1).split("/").map(decodeURIComponent);
  return { ...START, as: as || null, ...(views[view] && { view, place: place ?? null, thread: thread ?? null }) };
}

export const hashOf = ({ as, view, place, thread }) => `#${[as, view, place, thread].filter(Boolean).map(encodeURIComponent).join("/")}`;

/** Names of people and places, from what was last loaded. */
export function lookups({ state }) {
  const user = (id) => state.directory?.users.find((u) => u.id === id);
  const room = (id) => state.directory?.channels.find((c) => c.id === id);
  const names = {
    user: (id) => user(id)?.real_name ?? id ?? "somebody",
    channel: (id) => room(id)?.name ?? id,
    people: () => (state.directory?.users ?? []).filter((u) => !u.is_bot).map((u) => ({ id: u.id, name: u.real_name })),
    readable: (text) => String(text ?? "")
      .replace(/<@(\w+)>/g, (_, id) => `@${user(id)?.name ?? id}`)
      .replace(/<#(\w+)(?:\|[^>]*)?>/g, (_, id) => `#${names.channel(id)}`)
      .replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&"),
  };
  return {
    names,
    person: (id) => state.cast.people.find((p) => p.id === id),
    teammate: () => state.cast.people.find((p) => p.slack && p.kind === "team") ?? state.cast.people.find((p) => p.slack),
    channel: () => state.slack?.channels.find((c) => c.id === state.route.place),
    firstChannel: () => state.directory?.channels.find((c) => c.kind === "channel")?.id ?? null,
    imOther: (im) => im.members.find((id) => id !== state.me.slack) ?? im.members[0],

    barred: () => (state.me.kind === "team" ? null : "Only the team can do this: be Ana, for example"),

    /** An address as words after a verb: " in #ops", " by mail". */
    placeWords(address) {
      if (address?.startsWith("email:")) return " by mail";
      if (!address?.startsWith("slack:")) return address ? " over HTTP" : "";
      const named = /^slack:(#.+)$/.exec(address); // a place where no conversation has begun yet
      if (named) return ` in ${named[1]}`;
      const channel = room(address.slice(6).split("/")[1]);
      return channel && channel.kind !== "im" ? ` in #${channel.name}` : " in a direct message";
    },

    /** The conversation in the middle, as Parley calls it. */
    openAddress() {
      const { route, slack, mails } = state;
      if (route.view === "slack" && route.thread) return `slack:${slack?.team.id ?? ""}/${route.place}/${route.thread}`;
      if (route.view !== "mail" || !route.place || route.place === "new") return null;
      const open = conversations(mails).find((c) => c.mails.some((m) => bare(m.message_id) === route.place));
      return `email:${bare(open?.mails[0].message_id ?? route.place)}`;
    },
  };
}
