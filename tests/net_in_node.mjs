// Nets that the page links, trained without a page: node net_in_node.mjs PACKAGE <tasks.json
// The input is {parts, tasks}; a task is {net, X, Y, options, epochs, example, points}, see net.mjs and
// lens.mjs. The answer is what was learned, the lens on the example, the maps at the points.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const from = (name) => import(pathToFileURL(`${folder}/${name}.mjs`).href);
const { Machine } = await from("export/page/run/machine");
const { Training } = await from("export/page/run/training");
const { Lens, Maps } = await from("playground/net/lens");
const { numpyOf } = await from("playground/net/numpy");
const { planOf } = await from("playground/net/net");
const wasm = readFileSync(`${folder}/vectorize/executors/machine.wasm`);
const { parts, tasks } = JSON.parse(readFileSync(0, "utf8"));
const answers = [];
for (const { net, X, Y, options, epochs, example, points } of tasks) {
  const machine = await Machine.start(wasm);
  const training = new Training(machine, planOf(parts, net, X, Y, options));
  const first = training.parameters;
  training.step(epochs);
  const P = training.vector("P").slice();
  const lens = new Lens(machine, parts, net);
  const seen = lens.trace(P, ...example);
  const maps = new Maps(machine, parts, net, points);
  maps.draw(P);
  const { losses, testLosses, accuracies, parameters, names } = training;
  answers.push({
    first, losses, testLosses, accuracies, parameters, names,
    numpy: numpyOf({ net, parts }),
    lens: { ...seen, G: training.plan.places.map((k) => seen.G[k]) },
    maps: net.sizes.slice(1).map((units, l) => Array.from({ length: units }, (_, u) => [...maps.of(l, u)])),
  });
}
console.log(JSON.stringify(answers));
