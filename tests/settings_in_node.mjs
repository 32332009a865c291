// What the page knows of its settings: node settings_in_node.mjs PACKAGE
import { pathToFileURL } from "node:url";

const from = (name) => import(pathToFileURL(`${process.argv[2]}/playground/net/${name}.mjs`).href);
const { COUNTED, FUNCTIONS, SETS, SURFACES } = await from("data");
const { DEFAULTS, MOST_CLASSES, MOST_LAYERS, MOST_POINTS, MOST_UNITS, RUNNING } = await from("state");
console.log(JSON.stringify({
  limits: [MOST_LAYERS, MOST_UNITS, MOST_POINTS, MOST_CLASSES], counted: COUNTED, running: RUNNING, names: Object.keys(DEFAULTS), sets: Object.keys(SETS),
  functions: Object.fromEntries(Object.entries(FUNCTIONS).map(([name, [, of]]) => [name, [-1, 0, 0.5].map((x) => of(x))])),
  surfaces: Object.fromEntries(Object.entries(SURFACES).map(([name, [, of]]) => [name, of(0.25, -0.5)])),
}));
