// Points from a file that a user drops into the page: columns x1, x2, class, or x, y and x1, x2, y of a function; with
// or without a line of names.

import { MOST_CLASSES, MOST_POINTS } from "../../net/state.mjs";

/**
 * {points, classes, names}: names are what the classes are called, texts of at most 30 characters, sorted. Points of
 * classes have mean 0 and deviation 1, as `points` of Python gives them.
 * Separators are comma, semicolon or tab. Throws a RangeError that says what a file must have.
 */
export function pointsFrom(text) {
  const rows = text
    .replace(/^\ufeff/, "")
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(/[,;\t]/).map(plain));
  if (rows.every((cells) => cells.length === 2)) return functionFrom(rows, "two numbers: x, y");
  if (isSurface(rows)) return functionFrom(rows, "three numbers: x1, x2, y");
  const good = rows.filter(([x1, x2, label]) => isNumber(x1) && isNumber(x2) && label);
  const names = [...new Set(good.map(([, , label]) => label))].sort((a, b) =>
    a.localeCompare(b, "en", { numeric: true }),
  );
  if (good.length < 2) throw new RangeError("The file needs rows of three columns: x1, x2, class.");
  if (rows.length - good.length > 1) {
    throw new RangeError(`${rows.length - good.length} rows of the file are not two numbers and a class.`);
  }
  if (good.length > MOST_POINTS)
    throw new RangeError(`The file has ${good.length} points; ${MOST_POINTS} are the most.`);
  if (names.length < 2 || names.length > MOST_CLASSES) {
    throw new RangeError(`The file has ${names.length} classes; it needs 2 to ${MOST_CLASSES}.`);
  }
  return {
    points: standardised(good.map(([x1, x2]) => [Number(x1), Number(x2)])),
    classes: good.map(([, , label]) => names.indexOf(label)),
    names,
  };
}

/** Whether all are three numbers, the last ones not all whole: these are no classes. */
function isSurface(rows) {
  const numbers = rows.slice(1).concat(rows[0].every(isNumber) ? [rows[0]] : []);
  const three = numbers.every((cells) => cells.length === 3 && cells.every(isNumber));
  return numbers.length > 1 && three && numbers.some(([, , y]) => !Number.isInteger(Number(y)));
}

/** The same for a file of numbers alone: points of a function have no classes. */
function functionFrom(rows, columns) {
  const good = rows.filter((cells) => cells.every(isNumber));
  if (good.length < 2 || rows.length - good.length > 1 || good.length > MOST_POINTS) {
    throw new RangeError(`The file needs 2 to ${MOST_POINTS} rows of ${columns}.`);
  }
  return { points: good.map((cells) => cells.map(Number)), classes: null, names: [] };
}

function standardised(points) {
  const scales = [0, 1].map((k) => {
    const column = points.map((point) => point[k]);
    const mean = column.reduce((sum, x) => sum + x / column.length, 0);
    const variance = column.reduce((sum, x) => sum + (x - mean) ** 2 / column.length, 0);
    return [mean, Math.sqrt(variance) || 1];
  });
  return points.map((point) => point.map((x, k) => (x - scales[k][0]) / scales[k][1]));
}

const plain = (cell) =>
  cell
    .trim()
    .replace(/^"(.*)"$/, "$1")
    .slice(0, 30);

const isNumber = (cell) => cell !== undefined && cell !== "" && Number.isFinite(Number(cell));
