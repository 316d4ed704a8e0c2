// Slack's Block Kit as elements: messages and modals are made of the same blocks.

import { h, icon } from "/look/dom.js";
import { markdown, mrkdwn, plain, unescape } from "./text.js";
import { at } from "/look/words.js";

/**
 * The blocks of a message or a view. `surface.names` says what ids are called; `surface.act(block, element, choice)` is called
 * when somebody presses or picks; `surface.fields`, in a modal, collects what is typed: block_id → action_id → () => state.
 */
export const blocks = (list, surface) => (list ?? []).map((block) => draw(block, surface));

function draw(block, surface) {
  const make = BLOCKS[block.type];
  return make ? make(block, surface) : h("div", { class: "block muted" }, `[${block.type}: this page cannot show it]`);
}

const BLOCKS = {
  section: (block, surface) =>
    h("div", { class: "block section" },
      h("div", { class: "section-body" },
        block.text && words(block.text, surface),
        block.fields && h("div", { class: "fields" }, block.fields.map((field) => words(field, surface)))),
      block.accessory && h("div", { class: "accessory" }, control(block.accessory, block, surface))),
  header: (block) => h("h4", { class: "block header" }, block.text?.text),
  divider: () => h("hr", { class: "block" }),
  context: (block, surface) => h("div", { class: "block context" }, block.elements.map((element) => words(element, surface))),
  actions: (block, surface) => h("div", { class: "block actions" }, block.elements.map((element) => control(element, block, surface))),
  context_actions: (block, surface) => h("div", { class: "block actions" }, block.elements.map((element) => control(element, block, surface))),
  markdown: (block, surface) => h("div", { class: "block" }, markdown(block.text, surface.names)),
  rich_text: (block, surface) => h("div", { class: "block" }, block.elements.map((part) => rich(part, surface))),
  image: (block) => h("div", { class: "block muted" }, `[picture: ${block.alt_text ?? ""}]`),
  alert: (block, surface) => h("div", { class: ["block", "alert", block.level] }, words(block.text, surface)),
  table: (block, surface) => h("div", { class: "block" }, h("table", {}, block.rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cellWords(cell, surface))))))),
  task_card: (block, surface) =>
    h("div", { class: ["block", "task", block.status] }, h("strong", {}, block.title), block.details && words(block.details, surface), block.output && words(block.output, surface)),
  plan: (block, surface) => h("div", { class: "block" }, h("strong", {}, block.title), (block.tasks ?? []).map((task) => draw({ type: "task_card", ...task }, surface))),
  input: (block, surface) => {
    const id = `f-${block.block_id}-${block.element.action_id}`;
    return h("div", { class: "block field", "data-block": block.block_id },
      h("label", { for: id }, block.label?.text, block.optional && h("span", { class: "muted" }, " (optional)")),
      control(block.element, block, surface, id),
      block.hint && h("div", { class: "hint" }, block.hint.text),
      h("div", { class: "field-error", role: "alert" }));
  },
};

function words(text, surface) {
  if (typeof text === "string") return mrkdwn(text, surface.names);
  if (text.type === "image") return h("span", { class: "muted" }, `[${text.alt_text ?? "picture"}]`);
  if (text.type === "rich_text") return text.elements.map((part) => rich(part, surface));
  return text.type === "mrkdwn" ? mrkdwn(text.text, surface.names) : h("div", { class: "text" }, unescape(text.text ?? ""));
}

const cellWords = (cell, surface) => (cell.type === "rich_text" ? cell.elements.map((part) => rich(part, surface)) : cell.text);

function rich(part, surface) {
  const inside = () => (part.elements ?? []).map((element) => (element.elements ? rich(element, surface) : richSpan(element, surface)));
  if (part.type === "rich_text_preformatted") return h("pre", {}, inside());
  if (part.type === "rich_text_quote") return h("blockquote", {}, inside());
  if (part.type === "rich_text_list") return h(part.style === "ordered" ? "ol" : "ul", {}, inside().map((item) => h("li", {}, item)));
  return h("div", { class: "text" }, inside());
}

function richSpan(element, surface) {
  if (element.type === "user") return h("span", { class: "mention" }, `@${surface.names.user(element.user_id)}`);
  if (element.type === "channel") return h("span", { class: "mention" }, `#${surface.names.channel(element.channel_id)}`);
  if (element.type === "link") return h("span", {}, plain(element.url));
  let node = document.createTextNode(element.text ?? element.unicode ?? element.name ?? "");
  const tags = { bold: "strong", italic: "em", strike: "s", code: "code" };
  for (const style of Object.keys(element.style ?? {})) if (tags[style]) node = h(tags[style], {}, node);
  return node;
}

// Controls: what can be pressed, picked or typed

function control(element, block, surface, id) {
  const make = CONTROLS[element.type];
  if (!make) return h("span", { class: "muted" }, `[${element.type}]`);
  const spot = { element, block, surface, id, name: element.placeholder?.text ?? block.label?.text ?? "Choose" };
  return make(spot);
}

const choose = ({ surface, block, element }, choice) => surface.act?.(block, element, choice);

function collect({ surface, block, element }, read) {
  if (!surface.fields) return;
  (surface.fields[block.block_id] ??= {})[element.action_id] = () => ({ type: element.type, ...read() });
}

const optionsOf = (element) => [...(element.options ?? []), ...(element.option_groups ?? []).flatMap((group) => group.options)];
const valueOf = (option) => option?.value ?? null;

const CONTROLS = {
  button: (spot) => {
    const { element } = spot;
    const press = (event) => confirmed(element, event.currentTarget, () => choose(spot, { value: element.value }));
    const label = element.text?.text ?? "";
    if (element.url) return h("a", { class: "button", href: /^https?:/i.test(element.url) ? element.url : null, target: "_blank", rel: "noopener noreferrer" }, label, icon("out"));
    return h("button", { type: "button", class: ["button", element.style], "aria-label": element.accessibility_label, onclick: press }, label);
  },
  static_select: (spot) => select(spot, optionsOf(spot.element)),
  external_select: (spot) => select(spot, optionsOf(spot.element)),
  users_select: (spot) => select(spot, people(spot), spot.element.initial_user, (value) => ({ selected_user: value })),
  conversations_select: (spot) => select(spot, people(spot), null, (value) => ({ selected_conversation: value })),
  overflow: (spot) => select(spot, optionsOf(spot.element)),
  multi_static_select: (spot) => boxes(spot, "checkbox"),
  checkboxes: (spot) => boxes(spot, "checkbox"),
  radio_buttons: (spot) => boxes(spot, "radio"),
  plain_text_input: (spot) => {
    const { element, id, name } = spot;
    const props = { id, placeholder: element.placeholder?.text, maxlength: element.max_length, value: element.initial_value ?? "", "aria-label": name };
    const field = element.multiline ? h("textarea", { rows: 4, ...props }) : h("input", { type: "text", autocomplete: "off", ...props });
    collect(spot, () => ({ value: field.value || null }));
    return field;
  },
  number_input: (spot) => typed(spot, "number"),
  email_text_input: (spot) => typed(spot, "email"),
  url_text_input: (spot) => typed(spot, "url"),
  datepicker: (spot) => picked(spot, "date", "selected_date", spot.element.initial_date),
  timepicker: (spot) => picked(spot, "time", "selected_time", spot.element.initial_time),
  feedback_buttons: (spot) =>
    h("span", { class: "actions" }, ["positive_button", "negative_button"].map((side) =>
      h("button", { type: "button", class: "button", onclick: () => choose(spot, { value: spot.element[side].value }) }, spot.element[side].text.text))),
};

const people = ({ surface }) => surface.names.people().map(({ id, name }) => ({ value: id, text: { text: name } }));

function select(spot, options, initial = valueOf(spot.element.initial_option), state = (value) => ({ selected_option: options.find((o) => o.value === value) ?? null })) {
  const pick = () => field.value && choose(spot, { selected: field.value, ...state(field.value) });
  const field = h("select", { id: spot.id, "aria-label": spot.name, onchange: pick },
    h("option", { value: "", disabled: !spot.block.optional }, spot.element.type === "overflow" ? "⋯" : spot.name),
    options.map((option) => h("option", { value: option.value }, option.text.text)));
  field.value = initial ?? "";
  collect(spot, () => state(field.value));
  return field;
}

let groups = 0;

function boxes(spot, type) {
  const { element } = spot;
  const options = optionsOf(element);
  const first = new Set([element.initial_option, ...(element.initial_options ?? [])].map(valueOf));
  const group = `g${++groups}`;
  const inputs = options.map((option) => h("input", { type, name: group, value: option.value, checked: first.has(option.value) }));
  const chosen = () => options.filter((_, i) => inputs[i].checked);
  const state = () => (type === "radio" ? { selected_option: chosen()[0] ?? null } : { selected_options: chosen() });
  collect(spot, state);
  return h("fieldset", { class: "boxes", "aria-label": spot.name, onchange: () => choose(spot, { selected: chosen().map(valueOf).join(","), ...state() }) },
    options.map((option, i) => h("label", {}, inputs[i], " ", option.text.text)));
}

function typed(spot, type) {
  const field = h("input", { id: spot.id, type, value: spot.element.initial_value ?? "", "aria-label": spot.name, autocomplete: "off" });
  collect(spot, () => ({ value: field.value || null }));
  return field;
}

function picked(spot, type, key, initial) {
  const field = h("input", { id: spot.id, type, value: initial ?? "", "aria-label": spot.name, onchange: () => choose(spot, { selected: field.value }) });
  collect(spot, () => ({ [key]: field.value || null }));
  return field;
}

function confirmed(element, button, go) {
  if (!element.confirm) return go(button);
  const answer = (yes) => (dialog.close(), dialog.remove(), button.focus(), yes && go(button));
  const dialog = h("dialog", { class: "modal small", oncancel: () => answer(false), "aria-label": element.confirm.title?.text ?? "Are you sure?" },
    h("h3", {}, element.confirm.title?.text), h("p", {}, element.confirm.text?.text),
    h("div", { class: "modal-foot" },
      h("button", { type: "button", class: "button", onclick: () => answer(false) }, element.confirm.deny?.text ?? "Cancel"),
      h("button", { type: "button", class: ["button", element.confirm.style ?? "primary"], onclick: () => answer(true) }, element.confirm.confirm?.text ?? "Yes")));
  document.body.append(dialog);
  return dialog.showModal();
}

export const stamp = (ts) => h("time", { datetime: new Date(Number(ts) * 1000).toISOString() }, at(ts));
