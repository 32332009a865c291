// The modules of pages, one by one: node --test tests/javascript/*.mjs
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { gzipSync } from "node:zlib";

import { shown, thinned, ticksFor } from "../../tinygrad_edu/export/page/curves.mjs";
import { Machine } from "../../tinygrad_edu/export/page/run/machine.mjs";
import { asTraced, rightOf } from "../../tinygrad_edu/export/page/run/measure.mjs";
import { Player } from "../../tinygrad_edu/export/page/run/player.mjs";
import { recordOf } from "../../tinygrad_edu/export/page/run/words.mjs";
import { Generator } from "../../tinygrad_edu/export/page/run/generator.mjs";
import { linkedNet, sizeOf } from "../../tinygrad_edu/playground/net/linker.mjs";
import { placesOf } from "../../tinygrad_edu/playground/net/net.mjs";

const wasm = readFileSync(new URL("../../tinygrad_edu/vectorize/executors/machine.wasm", import.meta.url));

test("the generator draws what Python's draws", () => {
  // random.Random(seed).random(), three times
  const python = [
    [0, [0.8444218515250481, 0.7579544029403025, 0.420571580830845]],
    [7, [0.32383276483316237, 0.15084917392450192, 0.6509344730398537]],
    [2 ** 40 + 5, [0.5043802970418443, 0.2686044399723282, 0.9257865475671585]],
  ];
  for (const [seed, numbers] of python) {
    const generator = new Generator(seed);
    assert.deepEqual(numbers.map(() => generator.random()), numbers);
  }
  assert.throws(() => new Generator(-1), /whole number from 0 on/);
  assert.throws(() => new Generator(0.5), RangeError);
});

test("ticks are round and within the bounds", () => {
  assert.deepEqual(ticksFor(0, 1).map((x) => Number(x.toFixed(9))), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticksFor(1, 300), [100, 200, 300]);
  assert.ok(ticksFor(0, 0).length > 0);
  for (const high of [1e-9, 0.037, 2.5, 123456]) {
    const ticks = ticksFor(0, high);
    assert.ok(ticks.length >= 3 && ticks.length <= 6, `${high}: ${ticks}`);
    assert.ok(ticks.at(-1) <= high * (1 + 1e-9));
  }
});

test("long curves keep the ends of what they leave out", () => {
  const numbers = Array.from({ length: 10_000 }, (_, k) => Math.sin(k));
  numbers[4321] = 9;
  const points = thinned(numbers, 500);
  assert.ok(points.length <= 502);
  assert.ok(points.some(([k, y]) => k === 4321 && y === 9));
  assert.ok(points.every(([k, y], i) => y === numbers[k] && (i === 0 || k > points[i - 1][0])));
});

test("numbers are short, with a real minus", () => {
  const texts = [0, 0.5, -1.23456, 3.4e-5, -2e7, undefined, null].map(shown);
  assert.deepEqual(texts, ["0", "0.500", "\u22121.235", "3e\u22125", "\u22122e7", "·", "·"]);
});

test("one output is right above its threshold, of several the first largest", () => {
  const one = { units: 1, threshold: 0.5, wanted: [0, 1, 1] };
  assert.deepEqual(rightOf(one, [0.4, 0.6, 0.5], 3, (k) => k), [2, 3]);
  assert.deepEqual(rightOf({ ...one, weights: [1, 2, 4] }, [0.4, 0.6, 0.5], 3, (k) => k), [3, 7]);
  assert.deepEqual(rightOf({ units: 2, threshold: 0, wanted: [1, 0] }, [1, 1, 0, 2], 2, (k) => 1 - k), [2, 2]);
});

test("a guard holds where all examples have its outcome", () => {
  const guards = [{ place: [2, 1, 8, 1], outcome: 1 }];
  assert.equal(asTraced(guards, [0, 0, 1, 1, 0], 2), true);
  assert.equal(asTraced(guards, [0, 0, 1, 1, 0], 3), false);
});

test("a packed record has its arrays in their places", async () => {
  const header = JSON.stringify({ x: { words: [1, 2] }, n: { words: [0, 1] }, text: "a", none: null, list: [1] });
  const padded = Buffer.from(header.padEnd(Math.ceil(Buffer.byteLength(header) / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const words = Buffer.alloc(24);
  words.writeDoubleLE(-5, 0);
  words.writeDoubleLE(0.1, 8);
  words.writeDoubleLE(-Infinity, 16);
  const record = await recordOf(gzipSync(Buffer.concat([length, padded, words])).toString("base64"));
  assert.deepEqual([...record.x], [0.1, -Infinity]);
  assert.deepEqual([...record.n], [-5]);
  assert.deepEqual([record.text, record.none, record.list], ["a", null, [1]]);
});

test("memory of the machine is zeros, also where it is given out again", async () => {
  const machine = await Machine.start(wasm);
  const first = machine.region(100_000).set(new Float64Array(100_000).fill(1));
  machine.clear();
  const second = machine.region(100_000);
  assert.equal(second.at, first.at);
  assert.ok(second.array.every((x) => x === 0));
  assert.equal(machine.integers([3, -4]).array[1], -4n);
});

test("a player makes as many epochs as are due, and stops where a step fails", (context) => {
  const frames = [];
  globalThis.requestAnimationFrame = (frame) => frames.push(frame);
  context.after(() => delete globalThis.requestAnimationFrame);
  const training = {
    batches: 3, batch: 0, epochs: 0, failed: null,
    advance(most) {
      this.batch += Math.min(most, this.batches - this.batch);
      if (this.batch < this.batches) return false;
      this.batch = 0;
      this.epochs += 1;
      return true;
    },
  };
  let shownTimes = 0;
  const player = new Player(training, () => { shownTimes += 1; });
  player.speed = 0.5;
  player.play();
  for (let k = 0; k < 4; k++) frames.shift()();
  assert.equal(training.epochs, 2);
  player.speed = 3;
  frames.shift()();
  assert.equal(training.epochs, 5);
  training.failed = "the loss was no finite number";
  frames.shift()();
  assert.equal(player.playing, false);
  assert.equal(frames.length, 0);
  assert.equal(shownTimes, 7);
});

test("sizes are products of letters", () => {
  assert.equal(sizeOf("IOC", { I: 2, O: 3, C: 8 }), 48);
  assert.equal(sizeOf(1, {}), 1);
});

test("parameters stand in P by layers, and are listed by units", () => {
  assert.deepEqual(placesOf([2, 2, 1]), [0, 1, 4, 2, 3, 5, 6, 7, 8]);
});

test("a part that reads what nobody has made is refused", () => {
  const part = { forward: [[0, 0, 1, "O", 0, ["z", 0, 0, "C", 1], ["nothing", 0, 0, "C", 1]]], backward: [], own: {}, out: "z" };
  const parts = { ends: { e: part } };
  assert.throws(
    () => linkedNet(parts, { sizes: [2, 1], activations: [], end: "e", rows: 1 }), /reads nothing, which nobody/,
  );
});
