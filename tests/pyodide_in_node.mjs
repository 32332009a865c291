// The package in Pyodide: node pyodide_in_node.mjs NODE_MODULES ROOT GRAPHVIZ
// ROOT is the folder of the package and of tests/, GRAPHVIZ that of the Python package graphviz.
// The answer is what in_page.py tells without other packages, and what it draws with graphviz and viz-js.
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, root, graphviz] = process.argv.slice(2);
const from = (...path) => import(pathToFileURL(join(folder, ...path)));
const { loadPyodide } = await from("pyodide", "pyodide.mjs");
const Viz = await from("@viz-js", "viz", "dist", "viz.js");

const pyodide = await loadPyodide();
pyodide.mountNodeFS("/checkout", root);
const python = (text) => JSON.parse(pyodide.runPython(`import json, sys\n${text}`));
const bare = python(`
sys.path += ["/checkout", "/checkout/tests"]
import in_page
json.dumps(in_page.told())`);
pyodide.mountNodeFS("/packages/graphviz", graphviz);
pyodide.registerJsModule("viz_js", await Viz.instance());
const drawn = python(`
import importlib
sys.path.append("/packages")
importlib.invalidate_caches()
from tinygrad_edu.view import renderer
json.dumps({**in_page.drawn(), "renderer": renderer().name})`);
console.log(JSON.stringify({ bare, drawn }));
