// The rules for the modules of pages: npx eslint@9 -c .ci/eslint.config.mjs tinygrad_edu
import js from "@eslint/js";

const browser = [
  "atob", "Blob", "DecompressionStream", "devicePixelRatio", "document", "getComputedStyle", "ImageData",
  "matchMedia", "performance", "requestAnimationFrame", "ResizeObserver", "Response", "TextDecoder",
  "WebAssembly", "window",
];

export default [
  js.configs.recommended,
  {
    files: ["**/*.mjs"],
    languageOptions: { globals: Object.fromEntries(browser.map((name) => [name, "readonly"])) },
    rules: {
      "eqeqeq": "error", "no-var": "error", "prefer-const": "error", "no-eval": "error", "no-shadow": "error",
      "no-implied-eval": "error", "no-new-func": "error", "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "max-lines": ["error", 400], "max-len": ["error", 120],
    },
  },
];
