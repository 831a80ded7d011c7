// Run from the root of the repository: ci/lint.
import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["**/node_modules/", "build/", "results/"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2023, sourceType: "module" },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
    },
  },
  { files: ["clients/page/**"], languageOptions: { globals: globals.browser } },
  { files: ["clients/page/build.js"], languageOptions: { globals: globals.node } },
  { files: ["clients/**/test/**"], languageOptions: { globals: globals.node } },
  // Functions that the driver hands to a page run there.
  {
    files: ["clients/driver/**"],
    languageOptions: { globals: { ...globals.node, window: "readonly" } },
  },
];
