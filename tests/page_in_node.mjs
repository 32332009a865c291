// Trainings of pages without a page: node page_in_node.mjs FOLDER machine.wasm <tasks.json
// FOLDER has the modules of pages. A task is {record, epochs}: a packed record, and how many epochs are
// trained in one go and then, from the start again, batch by batch. The answer is what there is then.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, wasm] = process.argv.slice(2);
const from = (name) => import(pathToFileURL(`${folder}/${name}.mjs`).href);
const { Machine } = await from("run/machine");
const { Training } = await from("run/training");
const { recordOf } = await from("run/words");
const answers = [];
for (const { record, epochs, rate } of JSON.parse(readFileSync(0, "utf8"))) {
  const training = new Training(await Machine.start(readFileSync(wasm)), await recordOf(record));
  const found = [];
  for (const way of [() => training.step(epochs), () => { do training.advance(1); while (training.epoch < epochs && !training.failed); }]) {
    training.reset();
    if (rate) training.set("lr", rate);
    way();
    const { losses, accuracies, testLosses, testAccuracies, parameters, names, failed } = training;
    found.push({ losses, accuracies, testLosses, testAccuracies, parameters, names, failed });
  }
  answers.push(found);
}
console.log(JSON.stringify(answers));
