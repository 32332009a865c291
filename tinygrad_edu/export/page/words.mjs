// Words: what `words.py` has packed, a record and the arrays of numbers that it speaks of.

/** The bytes of a packed text. */
export async function unpacked(text) {
  const packed = Uint8Array.from(atob(text.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The record of a packed text, its arrays in their places: {floats: [start, length]}, {integers: ...}. */
export async function recordOf(text) {
  const { buffer } = await unpacked(text);
  const length = Number(new BigUint64Array(buffer, 0, 1)[0]);
  const start = 8 + length;
  const kinds = {
    floats: ([at, n]) => new Float64Array(buffer, start + 8 * at, n),
    integers: ([at, n]) => Array.from(new BigInt64Array(buffer, start + 8 * at, n), Number),
  };
  const header = new TextDecoder().decode(new Uint8Array(buffer, 8, length));
  return JSON.parse(header, (_, value) => {
    const [kind] = value && typeof value === "object" && !Array.isArray(value) ? Object.keys(value) : [];
    return kind in kinds ? kinds[kind](value[kind]) : value;
  });
}
