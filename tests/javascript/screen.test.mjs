// What the screen of the playground computes without a page: node --test tests/javascript
import assert from "node:assert/strict";
import test from "node:test";

const screen = new URL("../../tinygrad_edu/playground/screen/", import.meta.url);
const module = (name) => import(new URL(`${name}.mjs`, screen));
const { pointsFrom } = await module("controls/csv");
const { labelPlaces, linesFor, nearestLine, placesFor, pointOf } = await module("pictures/geometry");
const { drawBoundary, marginsOf, scaleOf, SIDE } = await module("pictures/heat");
const { endsOf } = await module("pictures/legend");
const { gradientOf, pathsOf, placeOf, termsOf } = await module("dock/numbers");
const { linkOf, settingsOf } = await module("pagelink");
const { placesIn, squareAround } = await module("pictures/plane");
const { inBrackets, numeral } = await module("symbols");
const { Walk } = await module("dock/walk");

test("the walk goes forward, to the loss and back, and knows what it has passed", () => {
  const walk = new Walk([2, 2, 1]);
  assert.deepEqual(walk.steps.map(({ kind, layer, unit }) => [kind, layer, unit].filter((x) => x !== undefined).join(" ")), [
    "x 0", "forward 1 0", "forward 1 1", "forward 2 0", "loss", "backward 2 0", "backward 1 0", "backward 1 1"]);
  assert.equal(walk.step, null);
  assert.ok(walk.knowsDelta(1, 1));
  walk.go(2);
  assert.ok(walk.knowsValue(1, 1) && !walk.knowsValue(2, 0) && !walk.knowsLoss && !walk.knowsDelta(2, 0));
  walk.go(99);
  assert.equal(walk.at, 7);
  walk.go(-1);
  assert.equal(walk.at, 0);
});

test("a delta that is to be guessed stays hidden until it was", () => {
  const walk = new Walk([2, 2, 1]);
  walk.guess(true);
  assert.deepEqual(walk.step, { kind: "backward", layer: 2, unit: 0 });
  assert.ok(walk.reached(2, 0) && !walk.knowsDelta(2, 0));
  walk.answer(1, 0, 1, 0.5);
  assert.equal(walk.said(1, 0), undefined, "the pass has not come there");
  walk.answer(2, 0, -1, 0.5);
  assert.ok(walk.knowsDelta(2, 0));
  assert.equal(walk.said(2, 0), false);
  walk.answer(2, 0, 1, 0.5);
  assert.equal(walk.said(2, 0), false, "an answer stands");
  walk.go(walk.open);
  walk.answer(1, 0, null, 0.5);
  walk.go(walk.open);
  walk.answer(1, 1, 1, 0.5);
  assert.deepEqual(walk.score, [1, 2]);
  walk.forget();
  assert.ok(!walk.knowsDelta(2, 0));
});

/** A pass of a net of tanh units by hand, the loss being half the squared error. */
function passOf(sizes, P, x, y) {
  const last = sizes.length - 1;
  const [a, z, slope, delta] = [[x], [[]], [[]], sizes.map(() => [])];
  const units = (l) => Array.from({ length: sizes[l] }, (_, k) => k);
  for (let l = 1; l <= last; l++) {
    z[l] = units(l).map((unit) => P[placeOf(sizes, l, unit, -1)]
      + units(l - 1).reduce((sum, k) => sum + P[placeOf(sizes, l, unit, k)] * a[l - 1][k], 0));
    a[l] = z[l].map(Math.tanh);
    slope[l] = a[l].map((t) => 1 - t * t);
  }
  delta[last] = a[last].map((t, k) => (t - y[k]) * slope[last][k]);
  for (let l = last - 1; l > 0; l--) {
    delta[l] = units(l).map((unit) => slope[l][unit]
      * units(l + 1).reduce((sum, k) => sum + delta[l + 1][k] * P[placeOf(sizes, l + 1, k, unit)], 0));
  }
  const G = new Float64Array(P.length);
  for (let l = 1; l <= last; l++) {
    for (const unit of units(l)) for (const k of [-1, ...units(l - 1)]) {
      G[placeOf(sizes, l, unit, k)] = delta[l][unit] * (k === -1 ? 1 : a[l - 1][k]);
    }
  }
  return { sizes, a, z, slope, delta, G };
}

test("the products of all paths of a weight are its gradient", () => {
  const sizes = [2, 3, 2, 2];
  const P = Float64Array.from({ length: 9 + 8 + 6 }, (_, k) => Math.sin(3 * k + 1));
  const numbers = passOf(sizes, P, [0.3, -0.8], [1, 0]);
  for (const [layer, unit, k] of [[1, 2, 0], [1, 0, -1], [2, 1, 2], [3, 0, 1], [3, 1, -1]]) {
    const paths = pathsOf(numbers, P, { layer, unit, k });
    assert.equal(paths.length, { 1: 4, 2: 2, 3: 1 }[layer]);
    const sum = paths.reduce((total, { product }) => total + product, 0);
    assert.ok(Math.abs(sum - gradientOf(numbers, layer, unit, k)) < 1e-15, `${layer} ${unit} ${k}`);
    const sizesOf = paths.map(({ product }) => Math.abs(product));
    assert.deepEqual(sizesOf, [...sizesOf].sort((one, other) => other - one));
  }
  const terms = termsOf(numbers, P, 1, 0);
  assert.ok(Math.abs(terms[0] + terms[1] - numbers.delta[1][0] / numbers.slope[1][0]) < 1e-15);
});

test("units stand apart, lines end at them, and labels do not touch", () => {
  for (const sizes of [[2, 4, 2, 1], [2, 8, 8, 1], [7, 8, 8, 8, 8, 8, 8, 1], [2, 1], [2, 8, 8, 3]]) {
    for (const [width, height, open] of [[696, 480, false], [696, 480, true], [560, 480, true], [1100, 700, true]]) {
      const places = placesFor({ sizes, width, height, open, phone: false, number: 42 });
      const bottom = Math.max(...places.y.flat()) + places.M / 2 + (places.low && open ? 18 : 0);
      assert.ok(bottom <= height + 1, `${sizes} in ${width} x ${height}: ${bottom}`);
      assert.ok(places.x.at(-1) + places.M <= places.width, "the output is on the stage");
      for (const ys of places.y) ys.slice(1).forEach((y, k) => assert.ok(y - ys[k] >= places.M, `${sizes}: maps overlap`));
      const lines = linesFor(places);
      assert.equal(lines.length, sizes.slice(1).reduce((sum, units, l) => sum + units * sizes[l], 0));
      for (const { x0, x1 } of lines) assert.ok(x1 - x0 > 20, `${sizes} in ${width}: lines of ${x1 - x0}`);
      const placed = labelPlaces(lines.filter(({ layer }) => layer === 1), sizes, places.half) ?? [];
      placed.forEach(([, x, y], k) => placed.slice(k + 1).forEach(([, ox, oy]) => (
        assert.ok(Math.abs(x - ox) > 2 * places.half || Math.abs(y - oy) > 13))));
    }
  }
});

test("the line next to the pointer is meant, within 16 pixels", () => {
  const lines = linesFor(placesFor({ sizes: [2, 3, 1], width: 700, height: 480, open: false, phone: false, number: 42 }));
  for (const line of lines) {
    const [x, y] = pointOf(line, 0.85);
    assert.equal(nearestLine(lines, x, y), line);
  }
  assert.equal(nearestLine(lines, 5, 5), null);
});

test("a file gives points with classes, or points of a function, or a sentence", () => {
  assert.deepEqual(pointsFrom('x1,x2,class\n1,5,b\n3,-5,"a"\n'), {
    points: [[-1, 1], [1, -1]], classes: [1, 0], names: ["a", "b"] });
  assert.deepEqual(pointsFrom("2,1,b\n2,3,a\n").points, [[0, -1], [0, 1]], "what is the same in all rows is 0");
  assert.deepEqual(pointsFrom("1;2;10\n3;4;9").names, ["9", "10"]);
  assert.deepEqual(pointsFrom("x\ty\n0\t1\n2\t3"), { points: [[0, 1], [2, 3]], classes: null, names: [] });
  assert.deepEqual(pointsFrom("a,b,y\n0,1,0.5\n2,3,1"), { points: [[0, 1, 0.5], [2, 3, 1]], classes: null, names: [] });
  const hostile = "<img src=x onerror=alert(1)>";
  assert.deepEqual(pointsFrom(`0,1,${hostile}\n1,0,b`).names.sort(), [hostile, "b"].sort());
  for (const [text, says] of [
    ["", /three columns/], ["0,1,a\n1,2,a", /1 classes/], ["1,2,3,4", /three columns/], ["x,y\n1,2\na,b\nc,d", /two numbers/],
    ["0,1,a\n1,2,b\nx,1,a\ny,1,a\n", /2 rows of the file/],
    [Array.from({ length: 1001 }, (_, k) => `${k},0,${k % 2}`).join("\n"), /1001 points/],
    [Array.from({ length: 12 }, (_, k) => `${k},0,${k}`).join("\n"), /12 classes/],
  ]) assert.throws(() => pointsFrom(text), { name: "RangeError", message: says }, text);
});

test("numbers have three decimals, fewer where they are large, and a real minus", () => {
  assert.deepEqual([0, 1.23456, -0.5, 12.345, -123.4, 0.0003, NaN].map(numeral), [
    "0", "1.235", "\u22120.500", "12.35", "\u2212123", "3e\u22124", "–"]);
  assert.equal(inBrackets(-1), "(\u22121.000)");
});

test("the legend has the numbers at both ends of the colours and at the paper", () => {
  assert.deepEqual(endsOf({ factor: 0.5, shift: 0, bent: true }), [0, 0.5, 1]);
  assert.deepEqual(endsOf({ factor: 2, shift: 0.5, bent: false }), [0, 0.5, 1]);
  assert.deepEqual(endsOf({ factor: 0.25, shift: 0, bent: false }), [-4, 0, 4]);
});

test("colours of numbers: what an output means, tanh as it is, others by the largest", () => {
  const numbers = new Float64Array([-2, 0.5, 4]);
  const logit = { units: 1, threshold: 0, low: 0 };
  const cases = [
    [{ head: logit, classes: 2, output: true }, { factor: 0.5, shift: 0, bent: true }],
    [{ head: { ...logit, threshold: 0.5 }, classes: 2, output: true }, { factor: 2, shift: 0.5, bent: false }],
    [{ head: { ...logit, low: -1 }, classes: 2, output: true }, { factor: 1, shift: 0, bent: false }],
    [{ head: logit, classes: 0, output: true, activation: undefined }, { factor: 0.25, shift: 0, bent: false }],
    [{ head: logit, classes: 2, output: false, activation: "tanh" }, { factor: 1, shift: 0, bent: false }],
    [{ head: logit, classes: 2, output: false, activation: "relu" }, { factor: 0.25, shift: 0, bent: false }],
  ];
  for (const [given, scale] of cases) assert.deepEqual(scaleOf(numbers, given), scale);
});

test("regions end where no class has the largest output alone, and the line between them is drawn there", () => {
  const square = squareAround([[-1, -1], [1, 1]]);
  const places = placesIn(square);
  assert.equal(places.length, SIDE * SIDE);
  assert.ok(places[0][0] < -1 && places[0][1] > 1, "the first is the upper left one");
  const outputs = [places.map(([x]) => x), places.map(([x]) => -x), places.map(() => -9)];
  const [margin] = marginsOf(outputs);
  places.forEach(([x], k) => assert.equal(Math.sign(margin[k]), Math.sign(x)));
  const drawn = [];
  const pen = { beginPath() {}, stroke() {}, moveTo: (...at) => drawn.push(at), lineTo: (...at) => drawn.push(at) };
  drawBoundary(pen, SIDE, margin, 0);
  assert.ok(drawn.length >= 2 * (SIDE - 1) && drawn.every(([x]) => Math.abs(x - SIDE / 2) < 1e-9));
});

test("a link holds own points, and what it says of them is checked", () => {
  const parts = {
    hidden: { tanh: 1 }, heads: { cross_entropy: { two: 1 } }, optimizers: { adam: 1 }, penalties: { l1: 1, l2: 1 } };
  const read = (own) => settingsOf(parts, `#own=${encodeURIComponent(own)}`);
  assert.deepEqual(read('file,0.5 1 0,2 -3 1,["<b>","two"]'), {
    drawing: false, settings: { data: "own", own: { points: [[0.5, 1], [2, -3]], classes: [0, 1], names: ["<b>", "two"] } } });
  assert.deepEqual(read("drawn,0 1,2 3").settings.own, { points: [[0, 1], [2, 3]], classes: null, names: [] });
  assert.deepEqual(read("surface,0 1 0.5,2 3 1").settings.own, { points: [[0, 1, 0.5], [2, 3, 1]], classes: null, names: [] });
  for (const wrong of ["", "file,1 2 0", "file,1 2 0,3 x 1", "file,1 2 0,3 4 0.5", "file,1 2 0,3 4 11", "file,1 2 0,3 4", "file,1,2"]) {
    assert.deepEqual(read(wrong), { drawing: false, settings: {} }, wrong);
  }
  assert.deepEqual(settingsOf(parts, "activations=tanh").settings, {});
  assert.equal(typeof linkOf, "function");
});
