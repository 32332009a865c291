// Python's generator of random numbers: the Mersenne twister MT19937 (Matsumoto and Nishimura 1998) as
// `random.Random(seed)` has it. Equal seeds give equal numbers there and here.

const N = 624;
const M = 397;
const STEP = 0x9908b0df;

export class Generator {
  /** From a whole number, 0 to 2**53 - 1, as `random.Random(seed)`. */
  constructor(seed = 0) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new RangeError(`a seed is a whole number from 0 on, got ${seed}`);
    }
    this.words = new Uint32Array(N);
    this.index = N;
    this.next = null;
    const key = seed > 0xffffffff ? [seed >>> 0, Math.floor(seed / 2 ** 32)] : [seed];
    this.start(19650218);
    let i = 1, j = 0;
    const { words } = this;
    const mix = (factor, added) => {
      words[i] = (words[i] ^ Math.imul(words[i - 1] ^ (words[i - 1] >>> 30), factor)) + added;
      i += 1;
      if (i >= N) {
        words[0] = words[N - 1];
        i = 1;
      }
    };
    for (let k = Math.max(N, key.length); k; k--) {
      mix(1664525, key[j] + j);
      j = (j + 1) % key.length;
    }
    for (let k = N - 1; k; k--) mix(1566083941, -i);
    words[0] = 0x80000000;
  }

  /** One in the state that `getstate()` gives in Python, of 625 words. */
  static of(words) {
    const generator = new Generator();
    generator.words.set(words.slice(0, N));
    generator.index = words[N];
    return generator;
  }

  start(seed) {
    this.words[0] = seed;
    for (let k = 1; k < N; k++) {
      const before = this.words[k - 1];
      this.words[k] = Math.imul(1812433253, before ^ (before >>> 30)) + k;
    }
  }

  /** The next 32 bits. */
  word() {
    if (this.index >= N) this.twist();
    let y = this.words[this.index++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  twist() {
    const { words } = this;
    for (let k = 0; k < N; k++) {
      const y = (words[k] & 0x80000000) | (words[(k + 1) % N] & 0x7fffffff);
      words[k] = words[(k + M) % N] ^ (y >>> 1) ^ (y & 1 ? STEP : 0);
    }
    this.index = 0;
  }

  /** From 0 to below 1. */
  random() {
    const [high, low] = [this.word() >>> 5, this.word() >>> 6];
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** A whole number from 0 to below n, which is below 2**32. */
  below(n) {
    const shift = Math.clz32(n);
    let found;
    do found = shift === 32 ? 0 : this.word() >>> shift; while (found >= n);
    return found;
  }

  /** Shuffle a list in place, which is given back. */
  shuffle(list) {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [list[i], list[j]] = [list[j], list[i]];
    }
    return list;
  }

  uniform(low, high) {
    return low + (high - low) * this.random();
  }

  /** Gaussian; of each pair of numbers the second is kept for the next call, as in Python. */
  gauss(mean = 0, deviation = 1) {
    let z = this.next;
    this.next = null;
    if (z === null) {
      const angle = this.random() * 2 * Math.PI;
      const radius = Math.sqrt(-2 * Math.log(1 - this.random()));
      z = Math.cos(angle) * radius;
      this.next = Math.sin(angle) * radius;
    }
    return mean + z * deviation;
  }

  /** The 625 words that shuffles on the machine begin with, as `getstate()` of Python gives them. */
  get state() {
    return Uint32Array.of(...this.words, this.index);
  }
}
