// The app's own tabs in its direct conversation: Messages with what it suggests, and Home with what waits for me.

import { blocks } from "./blocks.js";
import { fill, h } from "/look/dom.js";

/** Whether the open place is the direct conversation with the app. */
export const withApp = (app) => {
  const channel = app.channel();
  return channel?.kind === "im" && Boolean(app.state.directory?.users.find((u) => u.id === app.imOther(channel))?.is_bot);
};

export function appTabs(app) {
  const tab = (label, home) => h("button", { type: "button", class: "quiet", role: "tab", onclick: () => app.openHome(home) }, label);
  const [messages, home] = [tab("Messages", false), tab("Home", true)];
  const bar = h("nav", { class: "app-tabs", role: "tablist", "aria-label": "Parley's tabs" }, messages, home);
  const body = h("div", { class: "scroller app-home", role: "tabpanel", "aria-label": "Home" });
  let drawn = "";

  function update() {
    const open = withApp(app) && app.state.homeOpen;
    bar.hidden = !withApp(app);
    body.hidden = !open;
    messages.setAttribute("aria-selected", String(!open));
    home.setAttribute("aria-selected", String(open));
    const sign = JSON.stringify([app.state.home?.hash, app.state.homeTrouble, app.state.me.id]);
    if (!open || sign === drawn) return open;
    drawn = sign;
    const surface = { names: app.names, act: (block, element, choice) => app.pressHome(block, element, choice) };
    fill(body, app.state.home ? h("div", { class: "blocks" }, blocks(app.state.home.blocks, surface)) : h("p", { class: "nothing" }, "Nothing here yet."),
      app.state.homeTrouble && h("p", { class: "field-error", role: "alert" }, app.state.homeTrouble));
    return open;
  }
  return { bar, body, update };
}

/** What the app suggests to ask, in an empty conversation. */
export function suggestions(app) {
  const { prompts } = app.state;
  if (!withApp(app) || !prompts) return null;
  return [h("span", {}, prompts.title), h("span", { class: "actions" }, prompts.prompts.map(({ title, message }) =>
    h("button", { type: "button", class: "button", onclick: () => app.say(message) }, title)))];
}
