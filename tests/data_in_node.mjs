// Data sets as the page makes them: node data_in_node.mjs PACKAGE <tasks.json
// A task is {name, n, noise, seed, share, classes}; the answer has points, classes, split, rows of all features.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { FEATURES, pointsOf, rowsOf, splitOf } = await import(pathToFileURL(`${process.argv[2]}/playground/net/data.mjs`).href);
const names = Object.keys(FEATURES);
const answers = JSON.parse(readFileSync(0, "utf8")).map(({ name, n, noise, seed, share, classes: k }) => {
  const { points, classes } = pointsOf(name, n, noise, seed, k);
  return { points, classes, names, split: splitOf(classes, share, seed), rows: rowsOf(points, names) };
});
console.log(JSON.stringify(answers));
