// A function of machine.wasm, called in node: node machine_in_node.mjs machine.wasm <task.json
// The task has the function's name and arguments: whole numbers, null, arrays as base64 of their bytes.
// The answer is what the function gave, the arrays afterwards, what the file imports, and the sources
// that it was made of.
import { readFileSync } from "node:fs";

const PAGE = 65536;
const module = await WebAssembly.compile(readFileSync(process.argv[2]));
const { exports } = await WebAssembly.instantiate(module);
const task = JSON.parse(readFileSync(0, "utf8"));

/** What an argument is for the function; bytes are put into memory that nothing else uses. */
function passed(argument) {
  if (argument === null) return 0;
  if (typeof argument === "number") return BigInt(argument);
  const bytes = Buffer.from(argument, "base64");
  const address = exports.memory.grow(Math.max(1, Math.ceil(bytes.length / PAGE))) * PAGE;
  new Uint8Array(exports.memory.buffer).set(bytes, address);
  return address;
}

/** The bytes of an array as they are now. */
function after(argument, k) {
  if (typeof argument !== "string") return argument;
  const length = Buffer.from(argument, "base64").length;
  return Buffer.from(exports.memory.buffer, places[k], length).toString("base64");
}

const places = task.arguments.map(passed);
const result = Number(exports[task.name](...places));
console.log(
  JSON.stringify({
    result,
    arguments: task.arguments.map(after),
    imports: WebAssembly.Module.imports(module),
    sources: exports.machine_sources() >>> 0,
  }),
);
