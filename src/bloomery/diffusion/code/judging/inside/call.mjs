// Runs inside: calls a function of program.* for each input and writes what came back, one line of JSON each.
import fs from "node:fs";
import vm from "node:vm";
import { createRequire } from "node:module";

const given = JSON.parse(fs.readFileSync(0, "utf8"));
const write = fs.writeSync, exit = process.exit.bind(process), text = JSON.stringify;
const tell = (...line) => { write(1, text(line) + "\n"); };
process.stdout.write = process.stderr.write.bind(process.stderr);

function plain(value) {
  if (value === null || typeof value === "boolean" || typeof value === "string") return text(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && Number.isFinite(value)) {
    return Number.isInteger(value) && Math.abs(value) < 1e21 ? BigInt(value).toString() : text(value);
  }
  if (Array.isArray(value)) return "[" + Array.from(value, plain).join(",") + "]";
  if (typeof value === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    return "{" + Object.entries(value).map(([key, item]) => text(key) + ":" + plain(item)).join(",") + "}";
  }
  throw new TypeError(`a ${typeof value} (${String(value).slice(0, 40)}) is no JSON value`);
}

const said = (error) => String(error instanceof Error ? `${error.name}: ${error.message}` : error).slice(0, 500);

async function load() {
  const path = new URL(given.file, `file://${process.cwd()}/`).pathname;
  if (!path.endsWith(".cjs")) return (await import(path)).bloomery_called;
  return createRequire(path)(path).bloomery_called;
}

function parse() {
  if (!given.file.endsWith(".cjs")) return;
  new vm.Script(`(function (exports, require, module) {${fs.readFileSync(given.file, "utf8")}\n})`);
}

function isSyntax(error) {
  return error instanceof SyntaxError || /TYPESCRIPT_SYNTAX/.test(error?.code ?? "");
}

let called;
try {
  parse();
} catch (error) {
  tell("unparsed", said(error));
  exit(0);
}
try {
  called = await load();
} catch (error) {
  tell(!given.file.endsWith(".cjs") && isSyntax(error) ? "unparsed" : "unloaded", said(error));
  exit(0);
}
if (typeof called !== "function") {
  tell("unloaded", "it is no function");
  exit(0);
}
tell("loaded", "");
for (const [place, args] of given.calls.entries()) {
  try {
    write(1, `[${place},"returned",${plain(await called(...args))}]\n`);
  } catch (error) {
    tell(place, "raised", said(error));
  }
}
exit(0);
