// /docs: the API's OpenAPI description as a page, without loading anything from elsewhere.

import { h } from "/look/dom.js";

const spec = await (await fetch("/openapi.json")).json();
const named = (schema) => spec.components.schemas[schema.$ref?.split("/").at(-1)] ?? schema;

/** What kind of value it is, in a few words. */
function kind(schema) {
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.anyOf) return schema.anyOf.map(kind).join(" or ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.type === "array") return `list of ${kind(schema.items ?? {})}`;
  return schema.type === "null" ? "nothing" : (schema.type ?? "anything");
}

/** An example of it, for the command. */
function example(schema) {
  const whole = named(schema);
  if (whole.enum) return whole.enum[0];
  if (whole.type === "object") return Object.fromEntries((whole.required ?? []).map((name) => [name, example(whole.properties[name])]));
  return { integer: 1, number: 1, boolean: true, array: [] }[whole.type] ?? "…";
}

function command(method, path, body) {
  const verb = method === "get" ? "" : ` -X ${method.toUpperCase()}`;
  const data = body ? ` \\\n  -H 'Content-Type: application/json' -d '${JSON.stringify(example(body))}'` : "";
  return `curl${verb} ${location.origin}${path} \\\n  -H "Authorization: Bearer $KEY"${data}`;
}

const table = (title, rows) =>
  rows.length > 0 && [h("h3", {}, title), h("table", {}, rows.map(([name, ...cells]) => h("tr", {}, h("th", { scope: "row" }, h("code", {}, name)), cells.map((cell) => h("td", {}, cell)))))];

const fields = (schema) =>
  Object.entries(named(schema).properties ?? {}).map(([name, value]) => [name, kind(value), (named(schema).required ?? []).includes(name) ? "" : "optional", value.description ?? ""]);

function call(method, path, operation) {
  const body = operation.requestBody?.content["application/json"].schema;
  const bodies = body?.anyOf?.filter((one) => one.$ref) ?? (body ? [body] : []);
  const answers = Object.entries(operation.responses).map(([status, answer]) => {
    const schema = answer.content?.["application/json"]?.schema;
    return [status, answer.description, schema && Number(status) < 300 ? kind(schema) : ""];
  });
  const result = Object.entries(operation.responses).find(([status]) => Number(status) < 300)?.[1].content?.["application/json"]?.schema;
  return h("details", { class: "call" },
    h("summary", {}, h("b", {}, method.toUpperCase()), h("code", {}, path), h("span", { class: "muted small grow" }, operation.description?.split("\n")[0] ?? operation.summary)),
    h("div", {},
      h("pre", { class: "json", tabindex: 0 }, command(method, path, bodies[0])),
      table("Parameters", (operation.parameters ?? []).filter((p) => p.name !== "X-API-Key").map((p) => [p.name, p.in, kind(p.schema), p.required ? "" : "optional", p.description ?? ""])),
      bodies.map((one) => [table("Body", fields(one)), h("p", { class: "hint" }, named(one).description?.replaceAll("``", ""))]),
      table("Answers", answers),
      result && table("What comes back", fields(result.type === "array" ? result.items : result))));
}

document.querySelector("main").append(
  h("h1", {}, `${spec.info.title} ${spec.info.version}`),
  h("p", { class: "hint" }, "Every call carries a key of BOT_API_KEYS: Authorization: Bearer KEY, or X-API-Key: KEY. A key that names a person decides as that person; one that names nobody may start and say. Every error is {\"error\": \"one sentence\"}."),
  ...Object.entries(spec.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => call(method, path, operation))));
document.body.dataset.ready = "true";
