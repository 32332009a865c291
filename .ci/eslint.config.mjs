// The rules for the modules of pages: npx eslint@9 -c .ci/eslint.config.mjs tinygrad_edu
const browser = [
  "atob", "Blob", "clearInterval", "clearTimeout", "CSS", "DecompressionStream", "devicePixelRatio", "document",
  "getComputedStyle", "history", "ImageData", "location", "matchMedia", "navigator", "performance", "requestAnimationFrame", "ResizeObserver",
  "Response", "setInterval", "setTimeout", "TextDecoder", "URLSearchParams", "WebAssembly", "window",
];
const errors = [
  "array-callback-return", "eqeqeq", "getter-return", "no-const-assign", "no-dupe-args", "no-dupe-class-members",
  "no-dupe-else-if", "no-dupe-keys", "no-duplicate-imports", "no-empty", "no-eval", "no-fallthrough",
  "no-implied-eval", "no-import-assign", "no-loss-of-precision", "no-new-func", "no-redeclare", "no-self-assign",
  "no-self-compare", "no-shadow", "no-sparse-arrays", "no-this-before-super", "no-undef", "no-unreachable",
  "no-unsafe-negation", "no-unused-private-class-members", "no-useless-return", "no-var", "prefer-const",
  "use-isnan", "valid-typeof",
];

export default [
  {
    files: ["**/*.mjs"],
    languageOptions: { globals: Object.fromEntries(browser.map((name) => [name, "readonly"])) },
    rules: {
      ...Object.fromEntries(errors.map((name) => [name, "error"])),
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "max-lines": ["error", 400],
      "max-len": ["error", 120],
    },
  },
];
