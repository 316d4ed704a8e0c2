// The frame around the columns: the bar, the colours, the tabs of a narrow screen, and notes that come and go.

import { fill, h, icon } from "./dom.js";

const NOTE_MS = 7000;
const THEMES = { auto: ["auto", "light"], light: ["sun", "dark"], dark: ["moon", "auto"] }; // its symbol, and what comes next
const one = (selector) => document.querySelector(selector);

export function notify(words) {
  const note = h("div", { class: "toast" }, words);
  one("#toasts").append(note);
  setTimeout(() => note.remove(), NOTE_MS);
}

/** What was answered; null when it was refused, and then the reason is shown. */
export async function attempt(promise) {
  try {
    return await promise;
  } catch (error) {
    notify(error.message);
    return null;
  }
}

/** What the bar says: which model thinks, and whether the page hears of changes. */
export function drawBar(about, live, trouble = "reconnecting") {
  const scripted = about?.model === "scripted";
  one("#model").hidden = !about;
  one("#model").classList.toggle("scripted", scripted);
  fill(one("#model"), scripted ? "Scripted stand-in: no model is called" : `Model: ${about?.model}`);
  one("#live").classList.toggle("off", !live);
  fill(one("#live"), live ? "live" : trouble);
}

/** On a narrow screen one column shows at a time. */
export function tab(name) {
  document.body.dataset.tab = name;
  for (const button of document.querySelectorAll("#tabs button")) button.setAttribute("aria-selected", String(button.dataset.tab === name));
}

function paint(theme) {
  document.documentElement.dataset.theme = theme;
  const button = fill(one("#theme"), icon(THEMES[theme][0]));
  for (const attribute of ["aria-label", "title"]) button.setAttribute(attribute, `Colours: ${theme}`);
}

/** Make the tabs and the switch of colours work. */
export function frame() {
  tab("talk");
  paint(document.documentElement.dataset.theme);
  for (const button of document.querySelectorAll("#tabs button")) button.addEventListener("click", () => tab(button.dataset.tab));
  one("#theme").addEventListener("click", () => {
    const [, next] = THEMES[document.documentElement.dataset.theme];
    localStorage.setItem("theme", next);
    paint(next);
  });
}
