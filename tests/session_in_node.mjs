// Sessions of the playground without a page: node session_in_node.mjs PACKAGE <tasks.json
// A task is a list of [method, ...arguments] after the first settings. The answer is what there is then, the
// program in Python, and the state that its link gives again.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const from = (name) => import(pathToFileURL(`${folder}/${name}.mjs`).href);
const { Machine } = await from("export/page/run/machine");
const { codeOf } = await from("playground/net/code");
const { Session } = await from("playground/net/session");
const { changed, DEFAULTS, fromLink, toLink } = await from("playground/net/state");
const wasm = readFileSync(`${folder}/vectorize/executors/machine.wasm`);
const { parts, tasks } = JSON.parse(readFileSync(0, "utf8"));
const answers = [];
for (const [settings, ...calls] of tasks) {
  const session = new Session(await Machine.start(wasm), parts, settings);
  const refused = [];
  for (const [method, ...values] of calls) {
    try {
      session[method](...values);
    } catch (error) {
      refused.push(error.message);
    }
  }
  const { losses, testLosses, parameters, epoch } = session.training;
  const link = toLink(session.state);
  const again = changed(parts, DEFAULTS, fromLink(parts, link));
  session.watch([[0, 0], [1, 0.5]]);
  session.maps.draw(session.training.vector("P"));
  answers.push({
    losses, testLosses, parameters, epoch, refused, link, state: session.state, again, code: codeOf(session),
    out: session.trace([1, 0.5], 0).out, map: session.maps.of(session.net.sizes.length - 2, 0)[1],
  });
}
console.log(JSON.stringify(answers));
